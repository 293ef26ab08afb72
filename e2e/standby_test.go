package e2e

import (
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// The database fails over to a standby that is not promoted yet: reads are served, writes are refused as unavailable, and
// the service is not ready until the promotion. Its connections are not kept.
func TestStandby(t *testing.T) {
	t.Parallel()
	c := dbtest.NewCluster(t)
	p := dbtest.NewProxy(t, c.App())
	s := startWith(t, dbtest.Database{App: p.URL(c.App())}, bothWalls, app.Options{})
	a := s.signUp(nil)
	c.Demote()
	p.Turn(t, c.App())

	for name, on := range map[string]*service{"the same": s, "one started there": startWith(t, dbtest.Database{App: c.App()}, bothWalls, app.Options{})} {
		if status, body := on.get("/readyz"); status != http.StatusServiceUnavailable || body != `{"status":"database read-only"}` {
			t.Errorf("on a standby /readyz of %s is %d %s", name, status, body)
		}
	}
	if r := s.do(a.Token, meQuery, nil); len(r.Errors) > 0 {
		t.Errorf("a read on a standby: %s", r.Body)
	}
	write := func() reply { return s.do(a.Token, bioMutation, vars{"bio": "written"}) }
	if r := write(); r.code() != "UNAVAILABLE" {
		t.Errorf("a write on a standby: %d %s", r.Status, r.Body)
	}

	c.Promote()
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
	a, err := program.New(t.Context(), config(t, databaseURL), app.Options{})
	if err == nil {
		a.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
