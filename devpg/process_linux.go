package devpg

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// endWithParent has the kernel ask the server for a fast shutdown when we die, however we die.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// commandLines are the command lines of all processes. They are read from
// /proc: it is fast, and containers often lack ps. The folder in which a
// process works would tell more, but even root may not see it in a container.
func commandLines() (map[int]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	lines := make(map[int]string, len(files))
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if args, err := os.ReadFile(file); err == nil { // else it has ended
			lines[pid] = string(bytes.ReplaceAll(bytes.TrimRight(args, "\x00 "), []byte{0}, []byte{' '}))
		}
	}
	return lines, nil
}
