package faults

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// victimEnv makes this test binary, started again, a service that kills itself before the n-th statement, counted from the
// first that contains the text of victimFromEnv. It has the service's own settings besides.
const (
	victimEnv     = "E2E_VICTIM_STEP"
	victimFromEnv = "E2E_VICTIM_FROM"
)

func serveUntilKilled() {
	step, err := strconv.ParseInt(os.Getenv(victimEnv), 10, 64)
	if err != nil {
		panic(err)
	}
	var statements atomic.Int64
	observe := func(query string) {
		if !strings.Contains(query, os.Getenv(victimFromEnv)) && statements.Load() == 0 {
			return
		}
		if statements.Add(1) == step {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) // the parent checks the result
			select {}
		}
	}
	c, err := config.Load(os.Environ())
	if err != nil {
		panic(err)
	}
	withoutJobs := !strings.Contains(os.Getenv(victimFromEnv), "_mail") // their statements do not belong to a request
	a, err := harness.Program.New(context.Background(), c, app.Options{Observe: observe, WithoutJobs: withoutJobs, Log: harness.JSONLog(os.Stderr, c)})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	a.Serve(context.Background(), l) // it ends by being killed
}

// startVictim starts the process. If it has not killed itself by the end of the test, the test kills it. Further settings are
// NAME=value.
func startVictim(t *testing.T, d dbtest.Database, from string, step int, dir string, further ...string) *harness.Service {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", victimEnv, step), victimFromEnv+"="+from, "DATABASE_URL="+d.App,
		"FREEHOLD_DATA_DIR="+dir, "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_RATE_LIMIT=off")
	command.Env = append(command.Env, further...)
	s := &harness.Service{T: t, DB: d, Logs: &harness.LogBuffer{}}
	command.Stderr = io.MultiWriter(os.Stderr, s.Logs)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill() // it may be gone
		command.Wait()         // killed, as intended
		s.CheckLog()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the victim did not start")
	}
	s.URL = "http://" + lines.Text()
	return s
}

// gone waits until a victim that its own jobs kill no longer replies.
func gone(s *harness.Service) {
	s.T.Helper()
	eventually.True(s.T, 30*time.Second, "the victim is gone", func() bool {
		_, err := s.TryDo("", `{ me { id } }`, nil)
		return err != nil
	})
}
