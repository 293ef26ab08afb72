// Package release proves that the files we ship work: the binary, the image, and the files in deploy.
package release

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

const (
	root    = "../.." // of the repository
	version = "v9.8.7"
	commit  = "0123456789abcdef0123456789abcdef01234567"
)

// binary builds freehold as a release does, once for all tests.
var binary = sync.OnceValues(func() (path string, err error) {
	dir, err := os.MkdirTemp("", "freehold-release-")
	if err != nil {
		return "", err
	}
	dbtest.AtExit(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "freehold")
	return path, build(context.Background(), root, path)
})

// build runs the script of a release in a copy of the repository.
func build(ctx context.Context, sources, path string) error {
	c := exec.CommandContext(ctx, "scripts/release.sh", "binary", path)
	c.Dir = sources
	c.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit, "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if output, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// freehold returns a command that runs the binary with only these settings.
func freehold(t *testing.T, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append([]string{"FREEHOLD_DATA_DIR=" + t.TempDir()}, settings...)
	return c
}
