package devpg

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// endWithParent makes the kernel send the server a fast shutdown when we die for any reason.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// commandLines returns the command lines of all processes that have one, and
// endingServer for an exiting server. It reads /proc, which is fast; containers
// often lack ps. The working folder of a process would be more precise, but
// in a container even root may not see it.
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
		args, err := os.ReadFile(file)
		switch {
		case err != nil: // it has ended
		case len(args) > 0:
			lines[pid] = string(bytes.ReplaceAll(bytes.TrimRight(args, "\x00 "), []byte{0}, []byte{' '}))
		case isEndingServer(filepath.Dir(file)):
			lines[pid] = endingServer
		}
	}
	return lines, nil
}

// isEndingServer reports whether a process is a postgres that is still releasing its memory, and not a zombie.
func isEndingServer(process string) bool {
	stat, _ := os.ReadFile(filepath.Join(process, "stat")) // "123 (postgres) R 1 ..."
	_, state, found := bytes.Cut(stat, []byte(" (postgres) "))
	return found && !bytes.HasPrefix(state, []byte("Z"))
}
