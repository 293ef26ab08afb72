// Package dbtest gives each test a migrated database of its own, on a private PostgreSQL that the test process starts.
// The roles are those of production; it must not know what is tested.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/devpg"
)

// Database is where to find a test's database, by role.
type Database struct {
	App       string // the role that serves
	Owner     string // the role that migrates
	Bypass    string // the app's grants, but exempt from row policies: only for tests that need that wall away
	Superuser string // for looking at, and meddling with, what no role of ours can

	pool *sql.DB // of the superuser: a connection takes some 30 ms to make
}

const (
	template   = "freehold_template"
	bypassRole = "freehold_bypass"
)

var (
	cluster   = sync.OnceValues(start)
	admin     *sql.DB // the superuser's, for making and dropping databases; set by start
	started   atomic.Bool
	databases atomic.Int64
	copying   sync.Mutex // a template can be copied by one session at a time
)

// further are the migrations that each database has besides freehold's.
var further []db.MigrationSet

// Main runs the tests of a package and stops the PostgreSQL that they started. Each database has these sets of migrations
// besides freehold's. Call it from TestMain.
func Main(m *testing.M, sets ...db.MigrationSet) {
	further = sets
	os.Exit(run(m))
}

func run(m *testing.M) int {
	defer stop()
	return m.Run()
}

// New makes a database with the migrations of the package and those of more sets, and drops it when the test ends.
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

// NewEmpty makes a database with further words of CREATE DATABASE, and drops it when the test ends.
func NewEmpty(t testing.TB, how string) Database {
	t.Helper()
	c, err := cluster()
	if err != nil {
		t.Fatalf("start a private PostgreSQL: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	d := Database{
		App: c.URL(db.AppRole, name), Owner: c.URL(db.OwnerRole, name),
		Bypass: c.URL(bypassRole, name), Superuser: c.URL(c.Superuser(), name),
	}
	if d.pool, err = sql.Open("postgres", d.Superuser); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), name, how); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		d.pool.Close()
		if err := execute(context.WithoutCancel(t.Context()), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return d
}

// Query runs a query as the superuser and returns its first column as texts.
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

func start() (*devpg.Cluster, error) {
	dir, err := os.MkdirTemp("", "freehold-test-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user, who must get in
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
		`GRANT CONNECT ON DATABASE `+name+` TO `+db.AppRole)
}

func execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := admin.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
