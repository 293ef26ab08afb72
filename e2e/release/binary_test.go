package release

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// The health check succeeds only while the server serves and does not drain.
func TestHealthCheckAsksTheServer(t *testing.T) {
	t.Parallel()
	s, drain := harness.Listen(t, app.Options{}, "FREEHOLD_DRAIN_DELAY=3s")
	addr := "FREEHOLD_ADDR=" + strings.TrimPrefix(s.URL, "http://")
	// A proxy of the environment would answer for a server that is not on loopback.
	if out, err := freehold(t, []string{addr, "HTTP_PROXY=http://127.0.0.1:1"}, "healthcheck").CombinedOutput(); err != nil || string(out) != `{"status":"ready"}`+"\n" {
		t.Errorf("a server that is ready: %v, %s", err, out)
	}
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	eventually.True(t, time.Second, "the server drains", func() bool {
		status, _ := s.Get("/readyz")
		return status == 503
	})
	fails := func(what, setting, want string) {
		t.Helper()
		out, err := freehold(t, []string{setting}, "healthcheck").CombinedOutput()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), want) { //nolint:errorlint // Run returns it as it is
			t.Errorf("%s: %v, %s; want status 1 and %q", what, err, out, want)
		}
	}
	fails("a server that drains", addr, `not ready: 503 Service Unavailable {"status":"draining"}`)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	fails("no server", addr, "connection refused")
	fails("an invalid address", "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_ADDR: port 0")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	fails("a silent server", "FREEHOLD_ADDR="+silent.Addr().String(), "not ready: ")
}

func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	out, err := freehold(t, nil, "version").CombinedOutput()
	if want := "freehold " + version + ", commit " + commit + ", " + runtime.Version() + "\n"; err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
}

// Another folder gives the same bytes, and nothing of this machine is in them. `make release` also compiles everything again.
func TestTwoBuildsAreIdentical(t *testing.T) {
	t.Parallel()
	first, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, second := filepath.Join(t.TempDir(), "elsewhere"), filepath.Join(t.TempDir(), "freehold")
	copyTree(t, elsewhere)
	if err := build(t.Context(), elsewhere, second); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("two builds differ: %d and %d bytes", len(a), len(b))
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{here + "/", home + "/"} {
		if bytes.Contains(a, []byte(path)) {
			t.Errorf("the binary contains the path %s", path)
		}
	}
}

// copyTree copies the sources and the built playground.
func copyTree(t *testing.T, to string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "scripts/release.sh", "copy", to)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("copy the sources: %v: %s", err, out)
	}
}
