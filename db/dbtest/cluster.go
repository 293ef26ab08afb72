package dbtest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/devpg"
)

// Cluster is a PostgreSQL for one test, with a migrated database.
type Cluster struct {
	t       testing.TB
	dir     string
	running *devpg.Cluster
}

// NewCluster starts a cluster, and stops it when the test ends.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := newCluster(t, func(ctx context.Context, superuser *sql.DB, password string) error {
		return db.Bootstrap(ctx, superuser, "freehold", password)
	})
	if err := db.Migrate(t.Context(), c.running.URL(db.OwnerRole, "freehold"), further...); err != nil {
		t.Fatal(err)
	}
	return c
}

// NewEmptyCluster starts a cluster without roles and databases, and stops it when the test ends. It returns the connection strings of
// a database freehold, which does not exist yet, and the password that they have.
func NewEmptyCluster(t testing.TB) (d Database, password string) {
	t.Helper()
	c := newCluster(t, func(_ context.Context, _ *sql.DB, p string) error {
		password = p
		return nil
	})
	d, err := databaseOf(c.running, "freehold")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.pool.Close() })
	return d, password
}

func newCluster(t testing.TB, setup func(context.Context, *sql.DB, string) error) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp(scratch(), folders)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		t.Fatal(err)
	}
	c := &Cluster{t: t, dir: dir}
	t.Cleanup(func() {
		c.stop()
		os.RemoveAll(dir) //nolint:errcheck // it is a temporary folder
	})
	c.start(setup)
	return c
}

func (c *Cluster) start(setup func(context.Context, *sql.DB, string) error) {
	c.t.Helper()
	running, err := devpg.Start(c.t.Context(), devpg.Options{Dir: c.dir, Setup: setup})
	if err != nil {
		c.t.Fatal(err)
	}
	c.running = running
}

func (c *Cluster) stop() {
	if c.running == nil {
		return
	}
	if err := c.running.Stop(); err != nil {
		c.t.Error(err)
	}
	c.running = nil
}

// App returns the connection string of the app role.
func (c *Cluster) App() string { return c.running.URL(db.AppRole, "freehold") }

// Demote restarts the cluster as a standby, which accepts no writes.
func (c *Cluster) Demote() {
	c.t.Helper()
	c.stop()
	if err := os.WriteFile(filepath.Join(c.dir, "data", "standby.signal"), nil, 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.start(nil)
}

// Promote makes the standby a primary.
func (c *Cluster) Promote() {
	c.t.Helper()
	superuser, err := sql.Open("postgres", c.running.URL(c.running.Superuser(), "postgres"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer superuser.Close()
	if _, err := superuser.ExecContext(c.t.Context(), `SELECT pg_promote()`); err != nil {
		c.t.Fatal(err)
	}
}
