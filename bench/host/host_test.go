//go:build linux

package host

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func shell(t *testing.T, script string) *Process {
	t.Helper()
	runtime.LockOSThread() // the program ends with this thread
	p, err := Start(Command{Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log"), End: syscall.SIGTERM})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// awaitDone waits until a program has printed "done".
func awaitDone(t *testing.T, p *Process) {
	t.Helper()
	err := p.Await(t.Context(), func(context.Context) error {
		if !strings.Contains(p.tail(), "done") {
			return errors.New("it is at work")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCPUOfAFamilyHasThatOfChildrenThatEnded(t *testing.T) {
	t.Parallel()
	p := shell(t, `(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); echo done; exec sleep 60`)
	awaitDone(t, p)
	own, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if all, err := p.FamilyCPU(); err != nil || all < own+30*time.Millisecond {
		t.Errorf("the family used %v, %v, and the shell alone %v", all, err, own)
	}
	if now, peak, err := p.Memory(); err != nil || now < 100<<10 || peak < now {
		t.Errorf("memory %d, peak %d, %v", now, peak, err)
	}
	if err := p.ForgetPeak(); err != nil {
		t.Error(err)
	}
}

func TestAProgramThatEndsIsNotAwaited(t *testing.T) {
	t.Parallel()
	p := shell(t, `echo no room; exit 1`)
	err := p.Await(t.Context(), func(context.Context) error { return errors.New("not ready") })
	if err == nil || !strings.Contains(err.Error(), "has ended") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("%v; want what it printed", err)
	}
}

func TestBusyHasWhatAProgramUses(t *testing.T) {
	t.Parallel()
	before, err := Busy()
	if err != nil {
		t.Fatal(err)
	}
	p := shell(t, `i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; exec sleep 60`)
	awaitDone(t, p)
	own, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := Busy(); err != nil || after-before < own-20*time.Millisecond || own < 50*time.Millisecond {
		t.Errorf("the machine was busy for %v, %v, and the program for %v", after-before, err, own)
	}
}
