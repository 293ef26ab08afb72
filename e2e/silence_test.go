package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

const (
	silentRequest = 5 * time.Second // a request's time in these tests
	slack         = 2 * time.Second
	poolSize      = 4
)

// startBehindProxy is a service whose database connections can go silent. Its statements have a second, so that a request
// has time for another try.
func startBehindProxy(t *testing.T, further ...string) (*service, *dbtest.Proxy) {
	t.Helper()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.App)
	d.App = p.URL(d.App)
	return startWith(t, d, bothWalls, app.Options{}, append([]string{
		"FREEHOLD_REQUEST_TIMEOUT=5s", "FREEHOLD_STATEMENT_TIMEOUT=1s", fmt.Sprint("FREEHOLD_DATABASE_CONNECTIONS=", poolSize),
	}, further...)...), p
}

// atOnce sends a request n times at once, checks that each is answered in its time, and returns the answers.
func (s *service) atOnce(n int, token, query string, variables func(i int) vars) []reply {
	s.t.Helper()
	answers := make([]reply, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			v := variables(i)
			begun := time.Now()
			r, err := s.tryDo(token, query, v)
			if took := time.Since(begun); err != nil || took > silentRequest+slack {
				s.t.Errorf("request %d took %v: %v", i, took, err)
			}
			answers[i] = r
		})
	}
	all.Wait()
	return answers
}

func noVariables(int) vars { return nil }

// warm opens all connections of the pool, with the statements of some requests prepared.
func (s *service) warm(token string) {
	s.t.Helper()
	for range 3 {
		s.atOnce(2*poolSize, token, meQuery, noVariables)
	}
}

// expectHealthy fails unless the service is ready within five seconds, answers, and has no connection in use.
func (s *service) expectHealthy(since time.Time, token string) {
	s.t.Helper()
	for {
		status, body := s.get("/readyz")
		if status == http.StatusOK {
			break
		}
		if time.Since(since) > 5*time.Second {
			s.t.Errorf("after %v /readyz is %d %s", time.Since(since), status, body)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	begun := time.Now()
	for _, r := range s.atOnce(2*poolSize, token, meQuery, noVariables) {
		if len(r.Errors) > 0 {
			s.t.Errorf("after the silence: %s", r.Body)
		}
	}
	if took := time.Since(begun); took > slack {
		s.t.Errorf("after the silence requests took %v", took)
	}
	var used string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if used = s.connectionsInUse(); used == "0" {
			return
		}
	}
	s.t.Errorf("%s connections stay in use", used)
}

func (s *service) connectionsInUse() string {
	w := httptest.NewRecorder()
	s.app.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/metrics", http.NoBody))
	_, after, _ := strings.Cut(w.Body.String(), "\nfreehold_database_connections_in_use ")
	used, _, _ := strings.Cut(after, "\n")
	return used
}

const bioMutation = `mutation ($bio: String) { updateProfile(input: {bio: $bio}) { profile { bio } } }`

// R28: idle connections have died. Each request finds that out at BEGIN, and goes on with a new connection.
func TestIdleConnectionsThatDied(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(s *service, a account) []reply{
		"reads": func(s *service, a account) []reply { return s.atOnce(3*poolSize, a.Token, meQuery, noVariables) },
		"writes": func(s *service, a account) []reply {
			return s.atOnce(poolSize, a.Token, bioMutation, func(i int) vars { return vars{"bio": fmt.Sprint("bio ", i)} })
		},
		"sign-ins": func(s *service, a account) []reply {
			return s.atOnce(3, "", `mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } } }`,
				func(int) vars { return vars{"input": vars{"email": a.Email, "password": password}} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := startBehindProxy(t)
			a := s.signUp(nil)
			s.warm(a.Token)
			p.Silence()
			since := time.Now()
			for _, r := range ask(s, a) {
				if len(r.Errors) > 0 {
					t.Errorf("it could have been tried on a new connection: %s", r.Body)
				}
			}
			s.expectHealthy(since, a.Token)
		})
	}
}

// blockMutation writes two tables, so it takes a block of statements.
const blockMutation = `mutation ($bio: String) { updateProfile(input: {bio: $bio, birthday: "1980-01-02"}) { profile { bio } } }`

// R28: connections die at each step of a transaction, all of the pool's at once. What was not committed is tried again;
// where the answer to COMMIT is lost, the reply says that the outcome is unknown.
func TestConnectionsThatDieInTransactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, mutation, text string
		skip                 int
	}{
		{"BEGIN and entering", blockMutation, "BEGIN READ WRITE", 0},
		{"the statement", blockMutation, "BEGIN READ WRITE", 1},
		{"the statement after", blockMutation, "BEGIN READ WRITE", 2},
		{"one message", bioMutation, "SET TRANSACTION READ WRITE", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := startBehindProxy(t)
			a := s.signUp(nil)
			s.warm(a.Token)
			p.SilenceAfter(c.text, c.skip, poolSize)
			since := time.Now()
			for _, r := range s.atOnce(poolSize, a.Token, c.mutation, func(i int) vars { return vars{"bio": fmt.Sprint("bio ", i)} }) {
				if c := r.code(); c != "" && c != "UNAVAILABLE" {
					t.Errorf("%s", r.Body)
				}
			}
			s.expectHealthy(since, a.Token)
		})
	}
	for name, forward := range map[string]bool{"COMMIT is lost": false, "the answer to COMMIT is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := startBehindProxy(t)
			a := s.signUp(nil)
			s.warm(a.Token)
			p.SilenceCommits(1, forward)
			since := time.Now()
			r := s.do(a.Token, blockMutation, vars{"bio": "one"})
			if r.code() != "UNAVAILABLE" || !strings.Contains(r.Body, "Look whether it was saved") {
				t.Errorf("the outcome is unknown, and the answer is %s", r.Body)
			}
			want := map[bool]string{true: "one", false: ""}[forward]
			if got := s.db.Query(t, `SELECT COALESCE(bio, '') FROM app.profiles`)[0]; got != want {
				t.Errorf("the bio is %q, want %q", got, want)
			}
			s.expectHealthy(since, a.Token)
		})
	}
}

// R28: no write that was acknowledged is lost, while connections go silent again and again.
func TestAcknowledgedWritesSurviveSilence(t *testing.T) {
	t.Parallel()
	s, p := startBehindProxy(t)
	a := s.signUp(nil)
	s.warm(a.Token)
	stop := make(chan struct{})
	var silencing sync.WaitGroup
	silencing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(700 * time.Millisecond):
				p.Silence()
			}
		}
	})
	names := make([]string, 24)
	for i, r := range s.atOnce(len(names), "", signUpMutation, func(i int) vars {
		time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		names[i] = fmt.Sprintf("silent-%d", i)
		return vars{"input": vars{"email": names[i] + "@example.org", "password": password, "username": names[i]}}
	}) {
		switch r.code() {
		case "":
			if n := s.db.Query(t, `SELECT count(*) FROM app.profiles WHERE username = $1`, names[i])[0]; n != "1" {
				t.Errorf("%s was acknowledged, and there are %s", names[i], n)
			}
		case "UNAVAILABLE":
		default:
			t.Errorf("%s", r.Body)
		}
	}
	close(stop)
	silencing.Wait()
	s.expectHealthy(time.Now(), a.Token)
}

// R28: the first host of several says nothing. The second is tried within the request's time.
func TestSilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	first, second := dbtest.NewProxy(t, d.App), dbtest.NewProxy(t, d.App)
	d.App = dbtest.Through(d.App, "127.0.0.1,127.0.0.1", first.Port()+","+second.Port())
	s := startWith(t, d, bothWalls, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=5s", "FREEHOLD_STATEMENT_TIMEOUT=1s")
	a := s.signUp(nil)
	s.warm(a.Token)
	first.SilenceAll()
	since := time.Now()
	for _, r := range s.atOnce(poolSize, a.Token, meQuery, noVariables) {
		if len(r.Errors) > 0 {
			t.Errorf("the second host was not tried: %s", r.Body)
		}
	}
	if status, body := s.get("/readyz"); status != http.StatusOK || time.Since(since) > silentRequest+slack {
		t.Errorf("after %v /readyz is %d %s", time.Since(since), status, body)
	}
}

// R28: nothing answers at all. Requests, /readyz and the end of the service keep their time.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.App)
	d.App = p.URL(d.App)
	s, drain := listenOn(t, d, func(l net.Listener) net.Listener { return l }, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=3s", "FREEHOLD_STATEMENT_TIMEOUT=1s", "FREEHOLD_DRAIN_TIMEOUT=5s")
	a := s.signUp(nil)
	s.warm(a.Token)
	p.SilenceAll()
	begun := time.Now()
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || time.Since(begun) > 2*time.Second+slack {
		t.Errorf("after %v /readyz is %d %s", time.Since(begun), status, body)
	}
	for _, r := range s.atOnce(poolSize, a.Token, meQuery, noVariables) {
		if r.code() != "UNAVAILABLE" {
			t.Errorf("without an answer of the database: %s", r.Body)
		}
	}
	answered := make(chan string, 1)
	go func() {
		r, err := s.tryDo(a.Token, meQuery, nil)
		answered <- fmt.Sprint(r.code(), err)
	}()
	time.Sleep(200 * time.Millisecond) // until the request is under way
	begun = time.Now()
	if err := drain(); err != nil || time.Since(begun) > 5*time.Second+slack {
		t.Errorf("the service ended after %v: %v", time.Since(begun), err)
	}
	if got := <-answered; got != "UNAVAILABLE<nil>" {
		t.Errorf("the request under way: %s", got)
	}
}

// R28: the worker's connections go silent before it claims, and before it notes that a mail was sent.
func TestMailsGoOutInSilence(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(*dbtest.Proxy){
		"all":        (*dbtest.Proxy).Silence,
		"claiming":   func(p *dbtest.Proxy) { p.SilenceAfter("app.claim_mails", 0, poolSize) },
		"settling":   func(p *dbtest.Proxy) { p.SilenceAfter("app.settle_mail", 0, poolSize) },
		"committing": func(p *dbtest.Proxy) { p.SilenceCommits(2, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := startBehindProxy(t)
			a := s.signUp(nil)
			s.warm(a.Token)
			silence(p)
			s.work()
			for range 3 { // a COMMIT that was lost may have been the request's
				r := s.do("", requestReset, vars{"i": vars{"email": a.Email}})
				if r.code() == "" {
					break
				}
			}
			s.mailTo(a.Email, "reset_password", 1)
			for deadline := time.Now().Add(10 * time.Second); s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE kind = 'reset_password' AND sent_at IS NOT NULL`)[0] == "0"; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the worker did not note that the mail was sent")
				}
			}
			s.expectHealthy(time.Now(), a.Token)
		})
	}
}
