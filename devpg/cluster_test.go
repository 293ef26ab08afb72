//go:build unix

package devpg

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
)

// makeApp is an idempotent Setup that creates a role.
func makeApp(ctx context.Context, db *sql.DB, password string) error {
	if _, err := db.ExecContext(ctx, "DROP ROLE IF EXISTS app"); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, "CREATE ROLE app LOGIN PASSWORD "+pq.QuoteLiteral(password))
	return err
}

func TestDataIsKeptFromStartToStart(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir, Setup: makeApp, Log: testLog(t)})
	db := open(t, c)
	run(t, db, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('first run')")
	must(t, c.Stop())
	must(t, c.Stop())
	select {
	case <-c.Done():
	default:
		t.Error("Done is open after Stop")
	}
	must(t, c.Err())

	c = start(t, Options{Dir: dir, Setup: makeApp, Log: testLog(t)})
	queryIs(t, open(t, c), "SELECT v FROM kept", "first run")
	app, err := sql.Open("postgres", c.URL("app", "postgres"))
	must(t, err)
	defer app.Close()
	queryIs(t, app, "SELECT current_user", "app")
}

func TestRunningServer(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Dir: newDir(t), MaxConnections: 17})
	t.Run("settings", func(t *testing.T) { checkSettings(t, open(t, c)) })
	t.Run("process", func(t *testing.T) { checkProcess(t, c) })
	t.Run("files", func(t *testing.T) { checkFiles(t, c) })
}

func checkSettings(t *testing.T, db *sql.DB) {
	for setting, want := range map[string]string{
		"fsync":               "off",
		"full_page_writes":    "off",
		"synchronous_commit":  "on",
		"listen_addresses":    "",
		"timezone":            "UTC",
		"server_encoding":     "UTF8",
		"lc_messages":         "C",
		"max_connections":     "17",
		"password_encryption": "scram-sha-256",
	} {
		queryIs(t, db, "SELECT current_setting('"+setting+"')", want)
	}
	queryIs(t, db, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'", "C")
	queryIs(t, db, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'", "0")
}

// checkProcess checks that the server does not run as root, and that Ctrl-C in a terminal does not reach it.
func checkProcess(t *testing.T, c *Cluster) {
	info, err := os.Stat(filepath.Join(c.folder.data(), "postmaster.pid")) // a file that the server created
	must(t, err)
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 || uid != c.account.uid {
		t.Errorf("postgres runs as user %d, want %d", uid, c.account.uid)
	}
	pid := postmaster(t, c.Dir())
	group, err := syscall.Getpgid(pid)
	must(t, err)
	if group != pid {
		t.Errorf("postgres is in process group %d, want one of its own (%d)", group, pid)
	}
}

// checkFiles checks that other users cannot read any file.
func checkFiles(t *testing.T, c *Cluster) {
	for name, want := range map[string]os.FileMode{
		"password":     0o600,
		"lock":         0o600,
		"postgres.log": 0o600,
		"data":         0o700,
		"s":            0o700,
	} {
		info, err := os.Stat(c.folder.in(name))
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if len(c.password) != 64 {
		t.Errorf("the password has %d hex digits, want 64", len(c.password))
	}
}

func TestWrongPasswordIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	db, err := sql.Open("postgres", strings.Replace(c.URL(superuser, "postgres"), c.password, "guess", 1))
	must(t, err)
	defer db.Close()
	if err = db.Ping(); err == nil {
		t.Error("a wrong password was accepted")
	}
	must(t, c.Stop())

	must(t, os.WriteFile(c.folder.password(), []byte("guess\n"), 0o600))
	contains(t, startFails(t, Options{Dir: dir}).Error(), "password authentication failed")
}

func TestURLIsForPsqlToo(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Dir: filepath.Join(newDir(t), "a b+c%d")})
	output, err := exec.Command(filepath.Join(c.bin, "psql"), c.URL(c.Superuser(), "postgres"), "-Atc", "SELECT 6*7").CombinedOutput()
	if err != nil || string(output) != "42\n" {
		t.Errorf("psql: %v, %s", err, output)
	}
}

func TestFailedSetupLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := newDir(t) // also checks that no process is left
	failure := errors.New("no such role")
	err := startFails(t, Options{Dir: dir, Setup: func(context.Context, *sql.DB, string) error { return failure }})
	if !errors.Is(err, failure) {
		t.Errorf("got %v, want it to wrap the failure of Setup", err)
	}
	start(t, Options{Dir: dir})
}

func TestCancelledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	for _, limit := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 350 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		began := time.Now()
		_, err := Start(ctx, Options{Dir: dir, Setup: func(ctx context.Context, _ *sql.DB, _ string) error {
			<-ctx.Done() // in case initdb was that quick
			return ctx.Err()
		}})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("limit %v: got %v, want DeadlineExceeded", limit, err)
		}
		if took := time.Since(began); took > limit+2*time.Second {
			t.Errorf("limit %v: it took %v", limit, took)
		}
		if _, err := os.Stat(filepath.Join(dir, "data")); limit <= 50*time.Millisecond && !errors.Is(err, fs.ErrNotExist) { // too short for initdb
			t.Errorf("limit %v: the start did not end during initdb: %v", limit, err)
		}
	}
	start(t, Options{Dir: dir})
}

func TestContextOfStartDoesNotEndTheCluster(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Options{Dir: newDir(t)})
	must(t, err)
	defer func() { must(t, c.Stop()) }()
	cancel()
	queryIs(t, open(t, c), "SELECT 1", "1")
}

// Attach finds another process's server by its folder, and fails for a folder without a server.
func TestAttach(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	if _, err := Attach(dir); err == nil {
		t.Error("attached to a folder without a server")
	}
	startProgram(t, dir)
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Fatalf("started a second server: %v", err)
	}
	url, err := Attach(dir)
	must(t, err)
	db, err := sql.Open("postgres", url(superuser, "postgres"))
	must(t, err)
	defer db.Close()
	queryIs(t, db, "SELECT v FROM kept", "committed")
}
