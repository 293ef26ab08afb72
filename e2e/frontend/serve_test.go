package frontend

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/eventually"
)

const startTime = 30 * time.Second // for a server of pages; a second on an idle machine

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// freeOrigin returns an origin at which nothing listens. It has a name, because passkeys need one.
func freeOrigin(t *testing.T) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddress(t))
	return "http://localhost:" + port
}

// servePages serves the production build, with scripts/serve.mjs, until the test ends.
func servePages(t *testing.T, origin, service string) {
	t.Helper()
	c := serveCommand(origin)
	c.Env = append(c.Env, "FREEHOLD_URL="+service)
	var complaints strings.Builder // such as those about a service that is away
	c.Stderr = &complaints
	startServing(t, c)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("serve.mjs printed:\n%s", complaints.String())
		}
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("serve.mjs: %v", err)
		}
	})
}

func serveCommand(origin string) *exec.Cmd {
	c := exec.Command("node", "scripts/serve.mjs")
	c.Dir, c.Stderr = folder, os.Stderr
	_, port, _ := strings.Cut(strings.TrimPrefix(origin, "http://"), ":")
	c.Env = append(os.Environ(), "PORT="+port)
	return c
}

// startServing starts serve.mjs, and returns its first lines once it serves.
func startServing(t *testing.T, c *exec.Cmd) (lines string) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("this test needs Node: run make test, which installs it: %v", err)
	}
	timer := time.AfterFunc(startTime, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		lines += scanner.Text() + "\n"
		if strings.Contains(scanner.Text(), "Ctrl-C") {
			go io.Copy(io.Discard, out)
			return lines
		}
	}
	t.Fatalf("serve.mjs ended, or did not serve within %v:\n%s", startTime, lines)
	return ""
}

// What `make web` runs: one command serves the pages and a freehold behind them, and Ctrl-C ends both.
func TestServeStartsAndEndsFreehold(t *testing.T) {
	t.Parallel()
	program := t.TempDir() + "/freehold"
	if out, err := exec.Command("go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	origin, service := freeOrigin(t), freeAddress(t)
	c := serveCommand(origin)
	c.Env = append(c.Env, "FREEHOLD="+program, "FREEHOLD_ADDR="+service, "FREEHOLD_DATA_DIR="+t.TempDir(), "DATABASE_URL="+dbtest.New(t).App, "FREEHOLD_ENV=development")
	lines := startServing(t, c)
	for _, want := range []string{origin + "/", "http://" + service + "/dev/mail"} {
		if !strings.Contains(lines, want) {
			t.Errorf("serve.mjs does not print %s:\n%s", want, lines)
		}
	}
	if status, body := get(t, origin+"/people/nobody"); status != http.StatusOK || !strings.Contains(body, `<div id="root">`) {
		t.Errorf("a page: %d %s", status, body)
	}
	if status, body := get(t, origin+"/graphql?query={settings{passkeys}}"); status != http.StatusOK || body != `{"data":{"settings":{"passkeys":true}}}` {
		t.Errorf("the service behind the pages: %d %s", status, body)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after Ctrl-C, serve.mjs ended with %v", err)
	}
	eventually.True(t, startTime, "freehold has ended", func() bool {
		connection, err := net.Dial("tcp", service)
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
