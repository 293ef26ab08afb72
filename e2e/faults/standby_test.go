package faults

import (
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// The database fails over to a standby that is not promoted yet. Reads are served, writes are refused as unavailable, and the
// service is not ready until the promotion. It does not keep the connections.
func TestStandby(t *testing.T) {
	t.Parallel()
	c := dbtest.NewCluster(t)
	p := dbtest.NewProxy(t, c.App())
	s := harness.StartWith(t, dbtest.Database{App: p.URL(c.App())}, harness.BothLayers, app.Options{})
	a := s.SignUp(nil)
	c.Demote()
	p.Turn(t, c.App())

	for name, on := range map[string]*harness.Service{"the same": s, "one started there": harness.StartWith(t, dbtest.Database{App: c.App()}, harness.BothLayers, app.Options{})} {
		if status, body := on.Get("/readyz"); status != http.StatusServiceUnavailable || body != `{"status":"database read-only"}` {
			t.Errorf("on a standby /readyz of %s is %d %s", name, status, body)
		}
	}
	if r := s.Do(a.Token, harness.MeQuery, nil); len(r.Errors) > 0 {
		t.Errorf("a read on a standby: %s", r.Body)
	}
	write := func() harness.Reply { return s.Do(a.Token, harness.BioMutation, harness.Vars{"bio": "written"}) }
	if r := write(); r.Code() != "UNAVAILABLE" {
		t.Errorf("a write on a standby: %d %s", r.Status, r.Body)
	}

	c.Promote()
	if status, body := s.Get("/readyz"); status != http.StatusOK {
		t.Errorf("after the promotion /readyz is %d %s", status, body)
	}
	if r := write(); len(r.Errors) > 0 {
		t.Errorf("a write after the promotion: %s", r.Body)
	}
}

// An operator, or a provider whose disk is full, makes a database read-only.
func TestDatabaseSetReadOnly(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	name := s.DB.Query(t, `SELECT current_database()`)[0]
	for setting, want := range map[string]int{"on": http.StatusServiceUnavailable, "off": http.StatusOK} {
		s.DB.Query(t, `ALTER DATABASE `+name+` SET default_transaction_read_only = `+setting)
		s.DB.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
		if status, body := s.Get("/readyz"); status != want {
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
	a, err := harness.Program.New(t.Context(), harness.Config(t, databaseURL), app.Options{})
	if err == nil {
		a.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
