//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// patience is how long a signal may take to end a server.
const patience = 5 * time.Second

// shutdownSignals end a postmaster: fast, immediate, kill. A lone backend
// takes them too: end the query, leave, kill.
var shutdownSignals = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}

// A child is a process of ours that ends when we do (on Linux).
type child struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
}

func startChild(cmd *exec.Cmd) (*child, error) {
	endWithParent(cmd.SysProcAttr)
	c := &child{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		// To the kernel, the parent is the thread that forked. So the thread
		// must live as long as the child: it is locked to this goroutine,
		// never unlocked, and ends with it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the outcome is in cmd.ProcessState
		close(c.gone)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// state tells how an ended process ended.
func (c *child) state() string { return c.cmd.ProcessState.String() }

func (c *child) exited() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// shutDown ends the process, with more force each time it does not go.
func (c *child) shutDown() error {
	for _, signal := range shutdownSignals {
		if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping postgres (process %d): %w", c.pid(), err)
		}
		select {
		case <-c.gone:
			return nil
		case <-time.After(patience):
		}
	}
	return fmt.Errorf("postgres (process %d) does not end, not even by SIGKILL", c.pid())
}
