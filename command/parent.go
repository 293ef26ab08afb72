package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// watchGoRun calls gone when the parent of a program started by `go run` ends. go run forwards neither SIGTERM nor SIGKILL, and
// would leave the service and its PostgreSQL running.
func watchGoRun(ctx context.Context, gone func()) {
	parent := os.Getppid()
	path, err := os.Executable()
	if err != nil || !isGoRun(path, executableOf(ctx, parent)) {
		return
	}
	go func() {
		for os.Getppid() == parent {
			time.Sleep(200 * time.Millisecond)
		}
		gone()
	}()
}

// goRunPath matches where go run puts an executable: in a temporary folder, or in its build cache from the second run on.
var goRunPath = regexp.MustCompile(`/(go-build[0-9]+/b001/exe|[0-9a-f]{2}/[0-9a-f]{64}-d)/[^/]+$`)

// isGoRun reports whether a program was started by go run. The folder is not enough, since programs are also built in folders with
// such names. The parent must be the go command.
func isGoRun(executable, parent string) bool {
	return goRunPath.MatchString(filepath.ToSlash(executable)) && strings.TrimSuffix(filepath.Base(parent), ".exe") == "go"
}

// executableOf returns the path or the name of the program of a process, or "" if the system does not provide it.
func executableOf(ctx context.Context, pid int) string {
	if path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return path
	}
	name, err := exec.CommandContext(ctx, "ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}
