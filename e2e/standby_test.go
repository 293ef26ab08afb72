package e2e

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freehold/app"
	"freehold/db"
	"freehold/db/dbtest"
	"freehold/devpg"
)

// startCluster starts a PostgreSQL of the test's own, and returns how to stop it.
func startCluster(t *testing.T, dir string) (c *devpg.Cluster, stop func()) {
	t.Helper()
	c, err := devpg.Start(t.Context(), devpg.Options{Dir: dir, Setup: func(ctx context.Context, superuser *sql.DB, password string) error {
		var standby bool
		if err := superuser.QueryRowContext(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil || standby {
			return err
		}
		return db.Bootstrap(ctx, superuser, "freehold", password)
	}})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			if err := c.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return c, stop
}

// The database fails over to a standby that is not promoted yet: reads are served, writes are refused as unavailable, and
// the service is not ready until the promotion. Its connections are not kept.
func TestStandby(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "freehold-standby-") // t.TempDir may be out of PostgreSQL's reach
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL may run as another user
		t.Fatal(err)
	}
	c, stop := startCluster(t, dir)
	if err := db.Migrate(t.Context(), c.URL(db.OwnerRole, "freehold")); err != nil {
		t.Fatal(err)
	}
	p := dbtest.NewProxy(t, c.URL(db.AppRole, "freehold"))
	s := startWith(t, dbtest.Database{App: p.URL(c.URL(db.AppRole, "freehold"))}, bothWalls, app.Options{UnsafeCheapPasswords: true})
	a := s.signUp(nil)
	stop()
	if err := os.WriteFile(filepath.Join(dir, "data", "standby.signal"), nil, 0o644); err != nil { //nolint:gosec // PostgreSQL reads it
		t.Fatal(err)
	}
	c, _ = startCluster(t, dir)
	p.Turn(t, c.URL(db.AppRole, "freehold"))

	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || body != `{"status":"database read-only"}` {
		t.Errorf("on a standby /readyz is %d %s", status, body)
	}
	if r := s.do(a.Token, meQuery, nil); len(r.Errors) > 0 {
		t.Errorf("a read on a standby: %s", r.Body)
	}
	write := func() reply { return s.do(a.Token, bioMutation, vars{"bio": "written"}) }
	if r := write(); r.code() != "UNAVAILABLE" {
		t.Errorf("a write on a standby: %d %s", r.Status, r.Body)
	}

	superuser, err := sql.Open("postgres", c.URL(c.Superuser(), "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer superuser.Close()
	if _, err := superuser.ExecContext(t.Context(), `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	if status, body := s.get("/readyz"); status != http.StatusOK {
		t.Errorf("after the promotion /readyz is %d %s", status, body)
	}
	if r := write(); len(r.Errors) > 0 {
		t.Errorf("a write after the promotion: %s", r.Body)
	}
}

// An operator, or a provider whose disk is full, sets a database to be read.
func TestDatabaseSetReadOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.db.Query(t, `SELECT current_database()`)[0]
	for setting, want := range map[string]int{"on": http.StatusServiceUnavailable, "off": http.StatusOK} {
		s.db.Query(t, `ALTER DATABASE `+name+` SET default_transaction_read_only = `+setting)
		s.db.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
		if status, body := s.get("/readyz"); status != want {
			t.Errorf("with default_transaction_read_only %s /readyz is %d %s", setting, status, body)
		}
	}
}

// D15: freehold does not start on a database that cannot store what people write.
func TestStartNamesTheEncoding(t *testing.T) {
	t.Parallel()
	d := dbtest.NewEmpty(t, `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	expectRefusal(t, d.App, "server_encoding is LATIN1")
}

// D15: freehold does not start behind a pooler that loses prepared statements.
func TestStartNamesThePooler(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	expectRefusal(t, dbtest.NewPooler(t, d.App).URL(d.App), "max_prepared_statements")
}

func expectRefusal(t *testing.T, databaseURL, want string) {
	t.Helper()
	a, err := app.New(t.Context(), config(t, databaseURL), app.Options{})
	if err == nil {
		a.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
