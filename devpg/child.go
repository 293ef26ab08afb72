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

// patience is how long we wait after a signal before we send a stronger one.
const patience = 5 * time.Second

// shutdownSignals end a postmaster: fast shutdown, immediate shutdown, kill. A
// lone backend reacts to them as well: it cancels the query, quits, is killed.
var shutdownSignals = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}

// child is a process that we started and that ends when we do (on Linux).
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
		// must live as long as the child: it stays locked to this goroutine
		// and ends with it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // cmd.ProcessState has the outcome
		close(c.gone)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// state returns how the process ended.
func (c *child) state() string { return c.cmd.ProcessState.String() }

func (c *child) exited() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// shutDown ends the process. It sends stronger signals until the process has ended.
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
	return fmt.Errorf("postgres (process %d) did not end, even after SIGKILL", c.pid())
}
