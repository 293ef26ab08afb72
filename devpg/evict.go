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

// endingServer is the command line that we give a server process that is
// exiting. The kernel has no command line for it, but the process may still
// hold shared memory, which a new server needs.
const endingServer = "(postgres)"

// evict ends every server process left on the folder. It then removes the
// files that would make a new server believe that the old one is alive. Only
// the holder of the folder's lock may call it.
func (f folder) evict(ctx context.Context) error {
	for _, signal := range shutdownSignals {
		left, _, err := f.processes()
		if err != nil {
			return err
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, signal) // it may have ended already
		}
		if err = f.awaitNone(ctx); err == nil {
			return f.removeStale()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("ending the old postgres on %s: %w", f.data(), context.Cause(ctx))
		}
	}
	return fmt.Errorf("an old postgres on %s did not end, even after SIGKILL", f.data())
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

// processes returns the ids of the postmaster and the backends of this folder.
// It finds them by their command lines, since another process may have the id
// in postmaster.pid by now. The boolean reports whether there is also an
// endingServer, which may belong to this folder.
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

// owns reports whether a command line belongs to a postmaster on this folder,
// or is the process title of one of its backends.
func (f folder) owns(commandLine string) bool {
	if strings.HasPrefix(commandLine, "postgres: "+f.marker()+": ") {
		return true
	}
	program, _, _ := strings.Cut(commandLine, " -")
	return filepath.Base(program) == "postgres" && strings.Contains(commandLine+" ", " -D "+f.data()+" ")
}

// removeStale is safe even if evict has missed a server: a new one would find
// the shared memory of the old one in use, and refuse to start.
func (f folder) removeStale() error {
	f.removeSocket()
	err := os.Remove(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a stale process id: %w", err)
	}
	return nil
}
