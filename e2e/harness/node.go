package harness

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"freehold.dev/freehold/internal/eventually"
)

// FreePort returns a port of 127.0.0.1 on which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// ServeNode starts a server in a file of JavaScript, in the file's folder and with further variables of the environment, and stops it when
// the test ends. The returned function waits until the server listens on a port of 127.0.0.1, so that several servers can start at the same
// time. What a server has printed is logged if the test fails.
func ServeNode(t testing.TB, file string, port int, env ...string) (ready func(t testing.TB)) {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test needs Node: run make test, which installs it")
	}
	var printed LogBuffer
	c := exec.Command(path, filepath.Base(file))
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
