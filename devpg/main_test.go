//go:build unix

package devpg

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childDir makes this test binary a program that runs a cluster; see startProgram.
const childDir = "DEVPG_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runProgram(dir)
		return
	}
	os.Exit(m.Run())
}

// runProgram starts a cluster, commits a row, prints "ready", and waits.
func runProgram(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir, Setup: func(ctx context.Context, db *sql.DB, _ string) error {
		_, err := db.ExecContext(ctx, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('committed')")
		return err
	}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
	_ = c.Stop()
}

// startProgram runs a cluster on dir in another process and returns that process.
func startProgram(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), childDir+"="+dir)
	stdin, err := program.StdinPipe()
	must(t, err)
	stdout, err := program.StdoutPipe()
	must(t, err)
	must(t, program.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = program.Wait()
	})
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process says %q, want ready", line)
	}
	return program
}

// newDir returns the path of a new data folder, and checks that no server
// outlives the test. It is not below t.TempDir, which user postgres cannot enter.
func newDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "freehold-devpg-")
	must(t, err)
	must(t, os.Chmod(parent, 0o755))
	dir := filepath.Join(parent, "db")
	t.Cleanup(func() {
		lines, err := commandLines()
		must(t, err)
		for pid, line := range lines {
			if folder(dir).owns(line) {
				t.Errorf("process %d outlived the test: %s", pid, line)
			}
		}
		must(t, os.RemoveAll(parent))
	})
	return dir
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	began := time.Now()
	c, err := Start(t.Context(), o)
	must(t, err)
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { must(t, c.Stop()) })
	return c
}

// startFails returns the error text of a Start that must fail.
func startFails(t *testing.T, o Options) error {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err == nil {
		must(t, c.Stop())
		t.Fatal("Start succeeded, want an error")
	}
	t.Log(err)
	return err
}

func open(t *testing.T, c *Cluster) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", c.URL(superuser, "postgres"))
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	must(t, err)
}

func queryIs(t *testing.T, db *sql.DB, query, want string) {
	t.Helper()
	var got string
	must(t, db.QueryRowContext(t.Context(), query).Scan(&got))
	if got != want {
		t.Errorf("%s: got %q, want %q", query, got, want)
	}
}

// postmaster reads the server's process id from its file.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	must(t, err)
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	must(t, err)
	return pid
}

// within waits for a condition, and fails the test if it takes too long.
func within(t *testing.T, limit time.Duration, what string, yes func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	must(t, eventually(ctx, yes))
	t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not mention %q", text, part)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
