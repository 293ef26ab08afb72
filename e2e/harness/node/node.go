// Package node runs JavaScript with Node, for tests: a program until it ends, or a server beside a test. It must not know what the
// JavaScript does.
package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/internal/eventually"
)

// Run runs a program as a module, with further variables of the environment, and returns what it prints. An error of the
// program, or anything that it prints to stderr, fails the test.
func Run(t testing.TB, code string, env map[string]string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program(t), "--input-type=module", "-")
	c.Stdin = strings.NewReader(code)
	c.Env = os.Environ()
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil || failed.Len() > 0 {
		t.Fatalf("node: %v\n%s\n%s", err, failed.String(), out)
	}
	return string(out)
}

// Relative is the beginning of a program for Run that sends requests for a path, as pages do, to the service of the variable BASE.
const Relative = `
const send = globalThis.fetch;
globalThis.fetch = (path, options) => send(new URL(path, process.env.BASE), options);
`

// Serve starts a server in a file of JavaScript, in the file's folder and with further variables of the environment, and stops it when
// the test ends. The returned function waits until the server listens on a port of 127.0.0.1, so that several servers can start at the same
// time. What a server has printed is logged if the test fails.
func Serve(t testing.TB, file string, port int, env ...string) (ready func(t testing.TB)) {
	t.Helper()
	var printed strings.Builder // nothing reads it before the server has ended
	c := exec.Command(program(t), filepath.Base(file))
	c.Dir, c.Stdout, c.Stderr = filepath.Dir(file), &printed, &printed
	c.Env = append(os.Environ(), env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		c.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		c.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s printed: %s", filepath.Base(file), printed.String())
		}
	})
	return func(t testing.TB) {
		t.Helper()
		eventually.True(t, time.Minute, filepath.Base(file)+" listens", func() bool {
			select {
			case <-ended:
				t.Fatalf("%s has ended: %s", filepath.Base(file), printed.String())
			default:
			}
			connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return false
			}
			return connection.Close() == nil
		})
	}
}

// program returns the path of Node.
func program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test needs Node: run make test, which installs it")
	}
	return path
}
