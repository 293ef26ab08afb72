package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
)

// If a sign-up fails at any step, there is no account, profile, session or identity. A client can start again.
func TestSignUpIsAllOrNothing(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		var failing atomic.Value
		failing.Store("")
		fail := func(step string) error {
			if failing.Load() == step {
				return errors.New("a broken hook")
			}
			return nil
		}
		hooks := accounts.Hooks{
			BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{func(_ context.Context, _ *db.Tx, _ accounts.Candidate) error {
				if failing.Load() == "refused" {
					return fault.Input("input.email", "NOT_INVITED", "This address is not invited.")
				}
				return fail("before")
			}},
			AfterSignUp: []accounts.Hook{func(context.Context, *db.Tx, *db.Profile) error { return fail("after") }},
		}
		s, p := startWith(t, app.Options{Further: []app.Module{{Hooks: hooks}}})
		p.put("ann", "ann@example.org", true)
		c := newClient(s, cookies)
		nothing := func(step string, r harness.Reply, want string) {
			t.Helper()
			if got := fmt.Sprint(r.Code(), r.Fields()); got != want || c.Access != "" {
				t.Errorf("%s: %s, want %s", step, r.Body, want)
			}
			for _, table := range []string{"users", "accounts", "profiles", "profile_private", "user_private", "sessions", "credentials", "identities", "security_events", "outbox"} {
				if n := s.Count(table); n != "0" {
					t.Errorf("%s: %s rows of %s", step, n, table)
				}
			}
		}
		breaks := func(step string, of string) {
			t.Helper()
			s.ExpectError("a broken")
			s.DB.Query(t, fmt.Sprintf(`CREATE FUNCTION pg_temp_break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a broken %s'; END $$`, of))
			s.DB.Query(t, fmt.Sprintf(`CREATE TRIGGER broken BEFORE INSERT ON app.%s FOR EACH ROW EXECUTE FUNCTION pg_temp_break()`, of))
			nothing(step, c.signIn(p, "ann", "username", "ann"), "INTERNAL_SERVER_ERROR[]")
			s.DB.Query(t, `DROP FUNCTION pg_temp_break CASCADE`)
		}
		for _, table := range []string{"users", "accounts", "user_private", "sessions", "profiles", "profile_private", "credentials", "identities", "security_events"} {
			breaks("a broken table "+table, table)
		}
		for step, want := range map[string]string{"before": "INTERNAL_SERVER_ERROR[]", "after": "INTERNAL_SERVER_ERROR[]", "refused": "BAD_USER_INPUT[input.email NOT_INVITED]"} {
			failing.Store(step)
			nothing("hook "+step, c.signIn(p, "ann", "username", "ann"), want)
		}
		failing.Store("")
		if a := c.signUp(p, "ann"); a.User == nil {
			t.Errorf("after all failures: %+v", a)
		}
	})
}

// O06: a provider that is down or slow costs a bounded time, nothing else waits for it, and the user can try again with the same answer.
func TestProviderDownOrSlow(t *testing.T) {
	t.Parallel()
	s, p := start(t, "FREEHOLD_DATABASE_CONNECTIONS=2")
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	a := c.signUp(p, "ann")
	b := c.begin(startOAuth)
	answer := p.signIn(b.AuthorizationURL, "ann")
	p.do(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })
	if r := c.finish(finishOAuth, b, answer); r.Code() != "UNAVAILABLE" || !strings.Contains(r.Body, `"retryAfter":`) || strings.Contains(r.Body, p.URL) {
		t.Errorf("a provider that is down: %s", r.Body)
	}
	release := make(chan struct{})
	var waiting atomic.Int32
	p.do(func(_ http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	const many = 8 // more than there are connections to the database
	replies := make(chan harness.Reply, many)
	begun := time.Now()
	for range many {
		go func() {
			r, err := s.TryDo("", finishOAuth, harness.Input("continuationToken", b.ContinuationToken, "code", answer.Get("code"), "state", answer.Get("state")))
			if err != nil {
				t.Error(err)
			}
			replies <- r
		}()
	}
	for waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	asked := time.Now()
	s.ExpectMember(c.token, a.User.Email)
	if open := s.DB.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE usename = 'freehold_app' AND datname = current_database() AND state LIKE 'idle in%'`); open[0] != "0" {
		t.Errorf("%s transactions wait for the provider", open[0])
	}
	if took := time.Since(asked); took > 3*time.Second {
		t.Errorf("another request took %s", took)
	}
	for range many {
		if r := <-replies; r.Code() != "UNAVAILABLE" {
			t.Errorf("a provider that is slow: %s", r.Body)
		}
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("a slow provider took %s", took)
	}
	close(release)
	p.do(nil)
	if got := c.take(c.finish(finishOAuth, b, answer)); got.User == nil || got.User.ID != a.User.ID {
		t.Errorf("afterwards: %+v", got)
	}
}

// O06: a provider that was never reached is unavailable from the start, and the service starts without it.
func TestProviderThatWasNeverReached(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.do(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })
	c := newClient(s, false)
	if b := c.begin(startOAuth); b.reply.Code() != "UNAVAILABLE" {
		t.Errorf("the start: %s", b.reply.Body)
	}
	if _, to := visit(c.Browser, startPath); to == nil || to.Query().Get("error") != "UNAVAILABLE" || to.Host != "app.example.org" {
		t.Errorf("the start by redirect leads to %v", to)
	}
	p.do(nil)
	if b := c.begin(startOAuth); b.AuthorizationURL == "" {
		t.Errorf("afterwards: %s", b.reply.Body)
	}
}

// O06: the provider replaces its keys while it is used.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	a := c.signUp(p, "ann")
	for range 2 {
		p.rotate()
		if got := c.take(c.signIn(p, "ann")); got.User == nil || got.User.ID != a.User.ID {
			t.Fatalf("after a rotation: %+v", got)
		}
	}
}

// Two requests at once: one identity gets one account, and one answer one session.
func TestRaces(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	const flows = 6
	for round := range 3 {
		subject := fmt.Sprintf("user-%d", round)
		p.put(subject, subject+"@example.org", true)
		c := newClient(s, false)
		codes := make(chan string, 2*flows)
		for i := range flows {
			b := c.begin(startOAuth, "username", fmt.Sprintf("%s-%d", subject, i))
			answer := p.signIn(b.AuthorizationURL, subject)
			for range 2 {
				go func() {
					r, err := s.TryDo("", finishOAuth, harness.Input("continuationToken", b.ContinuationToken, "code", answer.Get("code"), "state", answer.Get("state")))
					if err != nil {
						t.Error(err)
					}
					codes <- r.Code()
				}()
			}
		}
		fine := 0
		for range 2 * flows {
			if code := <-codes; code == "" {
				fine++
			} else if code != "BAD_USER_INPUT" {
				t.Errorf("a request at the same time: %s", code)
			}
		}
		if fine != flows {
			t.Errorf("%d of %d flows have signed in", fine, flows)
		}
		for what, query := range map[string]string{
			"accounts":   `SELECT count(*) FROM app.user_private WHERE email = $1`,
			"identities": `SELECT count(*) FROM app.identities WHERE email = $1`,
		} {
			if n := s.DB.Query(t, query, subject+"@example.org")[0]; n != "1" {
				t.Errorf("%s %s", n, what)
			}
		}
		if n := s.DB.Query(t, `SELECT count(*) FROM app.sessions s JOIN app.user_private u ON u.user_id = s.user_id WHERE u.email = $1`, subject+"@example.org")[0]; n != strconv.Itoa(flows) {
			t.Errorf("%s sessions", n)
		}
	}
}

// A client begins and finishes only so many flows.
func TestFlowsAreLimited(t *testing.T) {
	t.Parallel()
	s, p := start(t, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_LIMIT_OAUTH=4/1h")
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	c.signUp(p, "ann")
	b := c.begin(startOAuth)
	answer := p.signIn(b.AuthorizationURL, "ann")
	c.take(c.finish(finishOAuth, b, answer))
	if r := c.finish(finishOAuth, b, answer); r.Code() != "RATE_LIMITED" {
		t.Errorf("a further finish: %s", r.Body)
	}
	if b := c.begin(startOAuth); b.reply.Code() != "RATE_LIMITED" {
		t.Errorf("a further start: %s", b.reply.Body)
	}
	if _, to := visit(c.Browser, startPath); to == nil || to.Query().Get("error") != "RATE_LIMITED" {
		t.Errorf("a further start by redirect leads to %v", to)
	}
}

// Nothing secret is in the log, and neither is what the database stores in clear text.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	b := c.begin(startOAuth, "username", "ann")
	answer := p.signIn(b.AuthorizationURL, "ann")
	stored := strings.Join(s.DB.Query(t, `SELECT encode(data, 'escape') || encode(id, 'escape') || purpose FROM app.continuations`), " ")
	c.take(c.finish(finishOAuth, b, answer))
	visit(c.Browser, startPath)
	visit(c.Browser, "/oauth/work/callback?"+answer.Encode())
	for name, secret := range map[string]string{
		"the code": answer.Get("code"), "the state": answer.Get("state"), "the token": b.ContinuationToken, "the client's secret": clientSecret, "the username": "ann",
	} {
		if strings.Contains(stored, secret) {
			t.Errorf("%s is in the database", name)
		}
		if name != "the username" && strings.Contains(s.Logs.String(), secret) {
			t.Errorf("%s is in the log", name)
		}
	}
}
