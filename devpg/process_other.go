//go:build unix && !linux

package devpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// endWithParent does nothing: the kernel has no such service. A server that
// outlives us is ended by the next Start.
func endWithParent(*syscall.SysProcAttr) {}

// commandLines are the command lines of all processes but zombies.
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
