// Package dbtest gives each test a migrated database of its own, on a private PostgreSQL that the test process starts. It uses the
// roles of production, and owns a proxy and a pooler that misbehave. It must not know what the tests check.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/devpg"
)

// Database has the connection strings of a test's database, by role.
type Database struct {
	App       string // serves requests
	Owner     string // runs migrations
	Backup    string // dumps the database
	Bypass    string // has the app role's grants and BYPASSRLS; only for tests without row policies
	Superuser string // for what no role of freehold can do

	pool *sql.DB // of the superuser, since opening a connection takes about 30 ms
}

const (
	template   = "freehold_template"
	bypassRole = "freehold_bypass"
)

var (
	cluster   = sync.OnceValues(start)
	admin     *sql.DB // of the superuser, to create and drop databases; set by start
	started   atomic.Bool
	databases atomic.Int64
	copying   sync.Mutex // only one session can copy a template at a time
)

// further are the migration sets of each database besides freehold's.
var further []db.MigrationSet

// Main runs the tests of a package and stops the PostgreSQL that they started. Each database gets these migration sets besides
// freehold's. Call it from TestMain.
func Main(m *testing.M, sets ...db.MigrationSet) {
	further = sets
	os.Exit(run(m))
}

func run(m *testing.M) int {
	defer stop()
	defer func() {
		for _, f := range atExit {
			f()
		}
	}()
	return m.Run()
}

var (
	exiting sync.Mutex
	atExit  []func()
)

// AtExit makes Main call a function after the tests of the package.
func AtExit(f func()) {
	exiting.Lock()
	defer exiting.Unlock()
	atExit = append(atExit, f)
}

// New creates a database with the migrations of the package and of more sets, and drops it when the test ends.
func New(t testing.TB, more ...db.MigrationSet) Database {
	t.Helper()
	d := NewEmpty(t, `TEMPLATE `+template)
	if len(more) > 0 {
		if err := db.Migrate(t.Context(), d.Owner, more...); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// NewSubgraph creates a database of a second subgraph, which has no accounts, with the migrations of these sets.
func NewSubgraph(t testing.TB, sets ...db.MigrationSet) Database {
	t.Helper()
	d := NewEmpty(t, "")
	if err := db.MigrateSubgraph(t.Context(), d.Owner, sets...); err != nil {
		t.Fatal(err)
	}
	return d
}

// NewEmpty creates a database with options of CREATE DATABASE, and drops it when the test ends.
func NewEmpty(t testing.TB, how string) Database {
	t.Helper()
	d, drop, err := makeDatabase(t.Context(), how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// ForExample is New for an Example function, which has no testing.TB. It panics on an error.
func ForExample() (d Database, drop func()) {
	d, end, err := makeDatabase(context.Background(), `TEMPLATE `+template)
	if err != nil {
		panic(err)
	}
	return d, func() {
		if err := end(); err != nil {
			panic(err)
		}
	}
}

func makeDatabase(ctx context.Context, how string) (d Database, drop func() error, err error) {
	c, err := cluster()
	if err != nil {
		return d, nil, fmt.Errorf("start a private PostgreSQL: %w", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if d, err = databaseOf(c, name); err != nil {
		return d, nil, err
	}
	if err := create(ctx, name, how); err != nil {
		return d, nil, fmt.Errorf("create a database: %w", err)
	}
	return d, func() error {
		d.pool.Close()
		if err := execute(context.WithoutCancel(ctx), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			return fmt.Errorf("drop a database: %w", err)
		}
		return nil
	}, nil
}

// At returns a database of a PostgreSQL that a test has started itself, from the connection strings of its roles.
func At(t testing.TB, app, owner, superuser string) Database {
	t.Helper()
	pool, err := sql.Open("postgres", superuser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return Database{App: app, Owner: owner, Superuser: superuser, pool: pool}
}

// databaseOf returns the connection strings of a database, whether it exists or not.
func databaseOf(c *devpg.Cluster, name string) (d Database, err error) {
	d = Database{
		App: c.URL(db.AppRole, name), Owner: c.URL(db.OwnerRole, name), Backup: c.URL(db.BackupRole, name),
		Bypass: c.URL(bypassRole, name), Superuser: c.URL(c.Superuser(), name),
	}
	d.pool, err = sql.Open("postgres", d.Superuser)
	return d, err
}

// Tools returns the folder of PostgreSQL's programs, such as pg_dump, which are those of the server.
func (d Database) Tools(t testing.TB) string {
	t.Helper()
	c, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	return c.Bin()
}

// Lock locks a table in a mode of LOCK TABLE, such as ACCESS EXCLUSIVE, until release is called or the test ends.
func (d Database) Lock(t testing.TB, table, mode string) (release func()) {
	t.Helper()
	tx, err := d.pool.Begin() //nolint:noctx // the context of the test would end the lock before its cleanup
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release)
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE `+table+` IN `+mode+` MODE`); err != nil {
		t.Fatal(err)
	}
	return release
}

// Query runs a query as the superuser and returns the first column as strings.
func (d Database) Query(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := d.pool.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var value sql.NullString
		if err := rows.Scan(&value); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		values = append(values, value.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return values
}

// folders is how the names of the data folders begin.
const folders = "freehold-test-"

// scratch returns where the data is: in memory, if there are 4 GiB, because a new database takes most of its time to create files.
// Otherwise it returns "", for the usual folder. It removes what tests that were killed have left in memory, after a day.
func scratch() string {
	const memory, enough, day = "/dev/shm", 4 << 30, 24 * time.Hour
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err != nil || s.Bavail*uint64(s.Bsize) < enough {
		return ""
	}
	old, _ := filepath.Glob(filepath.Join(memory, folders+"*"))
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > day {
			_ = os.RemoveAll(dir)
		}
	}
	return memory
}

func start() (*devpg.Cluster, error) {
	dir, err := os.MkdirTemp(scratch(), folders)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		return nil, err
	}
	c, err := devpg.Start(context.Background(), devpg.Options{Dir: dir, MaxConnections: 400, Setup: setup})
	if err != nil {
		return nil, err
	}
	started.Store(true)
	if admin, err = sql.Open("postgres", c.URL(c.Superuser(), "postgres")); err != nil {
		return nil, err
	}
	return c, db.Migrate(context.Background(), c.URL(db.OwnerRole, template), further...)
}

func setup(ctx context.Context, superuser *sql.DB, password string) error {
	if err := db.Bootstrap(ctx, superuser, template, password); err != nil {
		return err
	}
	_, err := superuser.ExecContext(ctx, fmt.Sprintf(
		`CREATE ROLE %s LOGIN BYPASSRLS PASSWORD '%s' IN ROLE %s`, bypassRole, password, db.AppRole))
	return err
}

func stop() {
	if !started.Load() {
		return
	}
	c, _ := cluster()
	admin.Close()
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
	}
	if err := os.RemoveAll(c.Dir()); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
	}
}

func create(ctx context.Context, name, how string) error {
	copying.Lock()
	defer copying.Unlock()
	return execute(ctx,
		`CREATE DATABASE `+name+` OWNER `+db.OwnerRole+` `+how,
		`REVOKE ALL ON DATABASE `+name+` FROM PUBLIC`,
		`GRANT CONNECT ON DATABASE `+name+` TO `+db.AppRole+`, `+db.BackupRole)
}

func execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := admin.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
