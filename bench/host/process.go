//go:build linux

// Package host runs the programs of a benchmark, and measures what they use.
//
// It owns the child processes, the PostgreSQL and the figures from /proc. It must not know what the programs serve.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	startLimit = 60 * time.Second
	stopLimit  = 15 * time.Second
)

// A Process is a program that runs until Stop, or until this process ends.
type Process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// Command is how to start a program. Its environment is Env and the PATH.
type Command struct {
	Path string
	Args []string
	Env  []string
	Dir  string
	Log  string // a file for its output
	User *syscall.Credential
	End  syscall.Signal // that ends it
}

// Start starts a program. Call it from a goroutine that is locked to its thread for as long as this process lives: the program ends
// with the thread.
func Start(c Command) (*Process, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", c.Path, err)
	}
	cmd := exec.Command(c.Path, c.Args...) //nolint:noctx // Stop ends it
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, log, log
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}, c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: c.End, Credential: c.User}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.Path, err), log.Close())
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the log has everything that the status says
		close(p.done)
	}()
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Await calls ask every few milliseconds until it returns nil. It fails if the program ends first, or after a minute.
func (p *Process) Await(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended:\n%s", p.cmd.Path, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.cmd.Path, err, p.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the program, by force if necessary.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(p.cmd.SysProcAttr.Pdeathsig) // it fails if the program has ended
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.log.Close()
}

// tail returns the end of the program's output.
func (p *Process) tail() string {
	const most = 4000
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// FreePort returns a TCP port of the loopback interface that no program uses.
func FreePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), l.Close()
}
