//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// endingServer stands for the command line of a server process that is on its
// way out of the kernel. It has no command line any more, but may still hold
// shared memory, and a new server does not start before that is free.
const endingServer = "(postgres)"

// evict ends every server process left on the folder, and then removes the
// files by which a new server would take the old one for alive. Only the
// holder of the folder's lock may call it.
func (f folder) evict(ctx context.Context) error {
	for _, signal := range shutdownSignals {
		left, _, err := f.processes()
		if err != nil {
			return err
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, signal) // it may have ended just now
		}
		if err = f.awaitNone(ctx); err == nil {
			return f.removeStale()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("ending the old postgres on %s: %w", f.data(), context.Cause(ctx))
		}
	}
	return fmt.Errorf("an old postgres on %s does not end, not even by SIGKILL", f.data())
}

func (f folder) awaitNone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	timeout := eventually(ctx, func() bool {
		var left []int
		var ending bool
		left, ending, err = f.processes()
		return err != nil || (len(left) == 0 && !ending)
	})
	return errors.Join(err, timeout)
}

// processes are the ids of the postmaster and the backends of this folder.
// They are known by their command lines and not by postmaster.pid, whose
// process id may since have gone to another process. Ending tells whether
// there is also an endingServer, which may be of this folder.
func (f folder) processes() (ours []int, ending bool, err error) {
	lines, err := commandLines()
	if err != nil {
		return nil, false, fmt.Errorf("listing processes: %w", err)
	}
	for pid, line := range lines {
		if f.owns(line) {
			ours = append(ours, pid)
		}
		ending = ending || line == endingServer
	}
	return ours, ending, nil
}

// owns tells whether a command line is that of a postmaster on this folder,
// or the title that one of its backends has given itself.
func (f folder) owns(commandLine string) bool {
	if strings.HasPrefix(commandLine, "postgres: "+f.marker()+": ") {
		return true
	}
	program, _, _ := strings.Cut(commandLine, " -")
	return filepath.Base(program) == "postgres" && strings.Contains(commandLine+" ", " -D "+f.data()+" ")
}

// removeStale is safe even if a server was overlooked: a new one would still
// find the old one's shared memory in use, and refuse to start.
func (f folder) removeStale() error {
	f.removeSocket()
	err := os.Remove(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a stale process id: %w", err)
	}
	return nil
}
