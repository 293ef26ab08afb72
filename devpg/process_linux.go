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

// commandLines are the command lines of all processes that have one, and
// endingServer for a server that has none any more. They are read from
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

// isEndingServer tells a postgres that is releasing its memory from a zombie, which has.
func isEndingServer(process string) bool {
	stat, _ := os.ReadFile(filepath.Join(process, "stat")) // "123 (postgres) R 1 ..."
	_, state, found := bytes.Cut(stat, []byte(" (postgres) "))
	return found && !bytes.HasPrefix(state, []byte("Z"))
}
