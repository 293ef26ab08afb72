//go:build unix && !linux

package devpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// endWithParent does nothing: the kernel has no such feature. The next Start
// ends a server that outlives us.
func endWithParent(*syscall.SysProcAttr) {}

// commandLines returns the command lines of all processes except zombies.
func commandLines() (map[int]string, error) {
	list, err := exec.Command("ps", "-axww", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		return nil, err
	}
	lines := map[int]string{}
	for row := range strings.Lines(string(list)) {
		number, rest, _ := strings.Cut(strings.TrimSpace(row), " ")
		state, line, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if pid, err := strconv.Atoi(number); err == nil && !strings.Contains(state, "Z") {
			lines[pid] = strings.TrimSpace(line)
		}
	}
	return lines, nil
}
