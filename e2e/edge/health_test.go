package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/eventually"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/e2e/harness"
)

// G12: when a request times out, its statement ends in the database too.
func TestDeadlineCancelsInTheDatabase(t *testing.T) {
	t.Parallel()
	hook := func(ctx context.Context, tx *db.Tx, _ *db.Profile) error {
		var s string
		return tx.Get(ctx, &s, `SELECT pg_sleep(300)::text`)
	}
	o := app.Options{}
	o.Further = []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o, "FREEHOLD_REQUEST_TIMEOUT=1s")
	begun := time.Now()
	r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "a@x.org", "password": harness.Password, "username": "abc"}})
	if took := time.Since(begun); r.Code() != "UNAVAILABLE" || took > 10*time.Second {
		t.Errorf("after %v: %s", took, r.Body)
	}
	eventually.True(t, 10*time.Second, "the statement has ended", func() bool {
		return s.DB.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app' AND state = 'active'`)[0] == "0"
	})
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Error("there is an account")
	}
}

// R13: the service is ready only while the database answers. A request meanwhile gets a time to retry, and none of the
// driver's words.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REQUEST_TIMEOUT=5s")
	a := s.SignUp(nil)
	for path, want := range map[string]string{"/healthz": `200 {"status":"alive"}`, "/readyz": `200 {"status":"ready"}`} {
		if status, body := s.Get(path); fmt.Sprintf("%d %s", status, body) != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := s.Get("/nothing"); status != 404 || !strings.Contains(body, "NOT_FOUND") {
		t.Errorf("/nothing: %d %s", status, body)
	}
	s.DB.Query(t, `ALTER ROLE freehold_app CONNECTION LIMIT -1`)
	name := s.DB.Query(t, `SELECT current_database()`)[0]
	s.DB.Query(t, `REVOKE CONNECT ON DATABASE `+name+` FROM freehold_app`)
	s.DB.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
	if status, body := s.Get("/readyz"); status != 503 || strings.Contains(body, "pq") {
		t.Errorf("without a database /readyz: %d %s", status, body)
	}
	if status, _ := s.Get("/healthz"); status != 200 {
		t.Errorf("without a database /healthz: %d", status)
	}
	if r := s.Do(a.Token, `{ me { id } }`, nil); r.Code() != "UNAVAILABLE" || r.Status != 503 || strings.Contains(r.Body, "pq") || r.Errors[0].Extensions.RetryAfter == 0 {
		t.Errorf("without a database a query: %d %s", r.Status, r.Body)
	}
	if r := s.Do("", `{ profile(username: "abc") { id } me { id } }`, nil); r.Code() != "UNAVAILABLE" || strings.Contains(r.Body, "pq") {
		t.Errorf("without a database an anonymous query: %s", r.Body)
	}
	s.DB.Query(t, `GRANT CONNECT ON DATABASE `+name+` TO freehold_app`)
	if r := s.Do(a.Token, harness.MeQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("after the database is back: %s", r.Body)
	}
}

// A stopping server finishes the requests under way and accepts no new ones.
func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	hook := func(context.Context, *db.Tx, *db.Profile) error {
		close(begun)
		<-goOn
		return nil
	}
	s, drain := harness.Listen(t, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	answered := make(chan harness.Reply, 1)
	go func() {
		answered <- s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "a@example.org", "password": harness.Password, "username": "abc"}})
	}()
	<-begun
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	eventually.True(t, 10*time.Second, "the listener is closed", func() bool {
		_, err := s.TryDo("", `{ me { id } }`, nil)
		return err != nil
	})
	select {
	case err := <-drained:
		t.Fatalf("drained before the request was answered: %v", err)
	default:
	}
	close(goOn)
	if r := <-answered; len(r.Errors) > 0 {
		t.Errorf("the request under way: %s", r.Body)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// While a draining server waits for balancers to notice, it is not ready but still serves.
func TestDrainingIsReportedBeforeItEnds(t *testing.T) {
	t.Parallel()
	s, drain := harness.Listen(t, app.Options{}, "FREEHOLD_DRAIN_DELAY=1500ms")
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	eventually.True(t, time.Second, "/readyz says that the server is draining", func() bool {
		status, body := s.Get("/readyz")
		return status == 503 && strings.Contains(body, "draining")
	})
	if r := s.Do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("while draining: %s", r.Body)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// A client that is slow to send its header or body is disconnected. Others are served meanwhile.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	s, _ := harness.Listen(t, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=2s")
	for name, sent := range map[string]string{
		"head": "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow:",
		"body": "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"query\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if r := s.Do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
				t.Errorf("another client meanwhile: %s", r.Body)
			}
			if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(c); errors.Is(err, context.DeadlineExceeded) || strings.Contains(string(answer), " 200 ") {
				t.Errorf("answer %q, %v", answer, err)
			}
		})
	}
}
