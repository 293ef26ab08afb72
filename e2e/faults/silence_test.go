package faults

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

const (
	silentRequest = 5 * time.Second // FREEHOLD_REQUEST_TIMEOUT of these tests
	slack         = 2 * time.Second
)

// atOnce sends a request n times at once, checks that each gets a reply in its time, and returns the replies.
func atOnce(s *harness.Service, n int, token, query string, variables func(i int) harness.Vars) []harness.Reply {
	s.T.Helper()
	answers := make([]harness.Reply, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			v := variables(i)
			begun := time.Now()
			r, err := s.TryDo(token, query, v)
			if took := time.Since(begun); err != nil || took > silentRequest+slack {
				s.T.Errorf("request %d took %v: %v", i, took, err)
			}
			answers[i] = r
		})
	}
	all.Wait()
	return answers
}

func noVariables(int) harness.Vars { return nil }

// warm opens all connections of the pool, and prepares the statements of some requests on each.
func warm(s *harness.Service, token string) {
	s.T.Helper()
	for range 3 {
		atOnce(s, 2*harness.PoolSize, token, harness.MeQuery, noVariables)
	}
}

// expectHealthy fails unless the service is ready within five seconds, replies, and has no connection in use.
func expectHealthy(s *harness.Service, since time.Time, token string) {
	s.T.Helper()
	eventually.True(s.T, 5*time.Second-time.Since(since), "the service is ready", func() bool {
		status, _ := s.Get("/readyz")
		return status == http.StatusOK
	})
	begun := time.Now()
	for _, r := range atOnce(s, 2*harness.PoolSize, token, harness.MeQuery, noVariables) {
		if len(r.Errors) > 0 {
			s.T.Errorf("after the silence: %s", r.Body)
		}
	}
	if took := time.Since(begun); took > slack {
		s.T.Errorf("after the silence requests took %v", took)
	}
	eventually.True(s.T, 5*time.Second, "no connection is in use", func() bool { return s.Metrics()["freehold_database_connections_in_use"] == 0 })
}

// R28: idle connections have died. Each request notices at BEGIN, and continues on a new connection.
func TestIdleConnectionsThatDied(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(s *harness.Service, a harness.Account) []harness.Reply{
		"reads": func(s *harness.Service, a harness.Account) []harness.Reply {
			return atOnce(s, 3*harness.PoolSize, a.Token, harness.MeQuery, noVariables)
		},
		"writes": func(s *harness.Service, a harness.Account) []harness.Reply {
			return atOnce(s, harness.PoolSize, a.Token, harness.BioMutation, func(i int) harness.Vars { return harness.Vars{"bio": fmt.Sprint("bio ", i)} })
		},
		"sign-ins": func(s *harness.Service, a harness.Account) []harness.Reply {
			return atOnce(s, 3, "", `mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } } }`,
				func(int) harness.Vars {
					return harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.Password}}
				})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := harness.StartBehindProxy(t)
			a := s.SignUp(nil)
			warm(s, a.Token)
			p.Silence()
			since := time.Now()
			for _, r := range ask(s, a) {
				if len(r.Errors) > 0 {
					t.Errorf("a retry on a new connection would have worked: %s", r.Body)
				}
			}
			expectHealthy(s, since, a.Token)
		})
	}
}

// blockMutation writes two tables, so it takes a block of statements.
const blockMutation = `mutation ($bio: String) { updateProfile(input: {bio: $bio, birthday: "1980-01-02"}) { profile { bio } } }`

// R28: all connections of the pool die at each step of a transaction. If it was not committed, it is retried. If the answer
// to COMMIT is lost, the reply says that the outcome is unknown.
func TestConnectionsThatDieInTransactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, mutation, text string
		skip                 int
	}{
		{"BEGIN and entering", blockMutation, "BEGIN READ WRITE", 0},
		{"the statement", blockMutation, "BEGIN READ WRITE", 1},
		{"the statement after", blockMutation, "BEGIN READ WRITE", 2},
		{"one message", harness.BioMutation, "SET TRANSACTION READ WRITE", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := harness.StartBehindProxy(t)
			a := s.SignUp(nil)
			warm(s, a.Token)
			p.SilenceAfter(c.text, c.skip, harness.PoolSize)
			since := time.Now()
			for _, r := range atOnce(s, harness.PoolSize, a.Token, c.mutation, func(i int) harness.Vars { return harness.Vars{"bio": fmt.Sprint("bio ", i)} }) {
				if c := r.Code(); c != "" && c != "UNAVAILABLE" {
					t.Errorf("%s", r.Body)
				}
			}
			expectHealthy(s, since, a.Token)
		})
	}
	for name, forward := range map[string]bool{"COMMIT is lost": false, "the answer to COMMIT is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := harness.StartBehindProxy(t)
			a := s.SignUp(nil)
			warm(s, a.Token)
			p.SilenceCommits(1, forward)
			since := time.Now()
			r := s.Do(a.Token, blockMutation, harness.Vars{"bio": "one"})
			if r.Code() != "UNAVAILABLE" || !strings.Contains(r.Body, "Check whether the change was saved") {
				t.Errorf("the outcome is unknown, and the answer is %s", r.Body)
			}
			want := map[bool]string{true: "one", false: ""}[forward]
			if got := s.DB.Query(t, `SELECT COALESCE(bio, '') FROM app.profiles`)[0]; got != want {
				t.Errorf("the bio is %q, want %q", got, want)
			}
			expectHealthy(s, since, a.Token)
		})
	}
}

// R28: no acknowledged write is lost while connections go silent again and again.
func TestAcknowledgedWritesSurviveSilence(t *testing.T) {
	t.Parallel()
	s, p := harness.StartBehindProxy(t)
	a := s.SignUp(nil)
	warm(s, a.Token)
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
	for i, r := range atOnce(s, len(names), "", harness.SignUpMutation, func(i int) harness.Vars {
		time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		names[i] = fmt.Sprintf("silent-%d", i)
		return harness.Vars{"input": harness.Vars{"email": names[i] + "@example.org", "password": harness.Password, "username": names[i]}}
	}) {
		switch r.Code() {
		case "":
			if n := s.DB.Query(t, `SELECT count(*) FROM app.profiles WHERE username = $1`, names[i])[0]; n != "1" {
				t.Errorf("%s was acknowledged, and there are %s", names[i], n)
			}
		case "UNAVAILABLE":
		default:
			t.Errorf("%s", r.Body)
		}
	}
	close(stop)
	silencing.Wait()
	expectHealthy(s, time.Now(), a.Token)
}

// R28: the first of several hosts does not answer. The second is tried within the request's time.
func TestSilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	first, second := dbtest.NewProxy(t, d.App), dbtest.NewProxy(t, d.App)
	d.App = dbtest.Through(d.App, "127.0.0.1,127.0.0.1", first.Port()+","+second.Port())
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=5s", "FREEHOLD_STATEMENT_TIMEOUT=1s")
	a := s.SignUp(nil)
	warm(s, a.Token)
	first.SilenceAll()
	since := time.Now()
	for _, r := range atOnce(s, harness.PoolSize, a.Token, harness.MeQuery, noVariables) {
		if len(r.Errors) > 0 {
			t.Errorf("the second host was not tried: %s", r.Body)
		}
	}
	if status, body := s.Get("/readyz"); status != http.StatusOK || time.Since(since) > silentRequest+slack {
		t.Errorf("after %v /readyz is %d %s", time.Since(since), status, body)
	}
}

// R28: no host answers. Requests, /readyz and the end of the service stay within their time.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.App)
	d.App = p.URL(d.App)
	s, drain := harness.ListenOn(t, d, func(l net.Listener) net.Listener { return l }, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=3s", "FREEHOLD_STATEMENT_TIMEOUT=1s", "FREEHOLD_DRAIN_TIMEOUT=5s")
	a := s.SignUp(nil)
	warm(s, a.Token)
	p.SilenceAll()
	begun := time.Now()
	if status, body := s.Get("/readyz"); status != http.StatusServiceUnavailable || time.Since(begun) > 2*time.Second+slack {
		t.Errorf("after %v /readyz is %d %s", time.Since(begun), status, body)
	}
	for _, r := range atOnce(s, harness.PoolSize, a.Token, harness.MeQuery, noVariables) {
		if r.Code() != "UNAVAILABLE" {
			t.Errorf("without an answer of the database: %s", r.Body)
		}
	}
	answered := make(chan string, 1)
	go func() {
		r, err := s.TryDo(a.Token, harness.MeQuery, nil)
		answered <- fmt.Sprint(r.Code(), err)
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

// R28: the worker's connections go silent before it claims mails, and before it records that a mail is sent.
func TestMailsGoOutInSilence(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(*dbtest.Proxy){
		"all":        (*dbtest.Proxy).Silence,
		"claiming":   func(p *dbtest.Proxy) { p.SilenceAfter("app.claim_mails", 0, harness.PoolSize) },
		"settling":   func(p *dbtest.Proxy) { p.SilenceAfter("app.settle_mail", 0, harness.PoolSize) },
		"committing": func(p *dbtest.Proxy) { p.SilenceCommits(2, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := harness.StartBehindProxy(t)
			a := s.SignUp(nil)
			warm(s, a.Token)
			silence(p)
			s.Work()
			for range 3 { // the lost COMMIT may be that of the request
				r := s.Do("", harness.RequestReset, harness.Vars{"i": harness.Vars{"email": a.Email}})
				if r.Code() == "" {
					break
				}
			}
			s.MailTo(a.Email, "reset_password", 1)
			eventually.True(t, 10*time.Second, "the worker has recorded that the mail is sent", func() bool {
				return s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE kind = 'reset_password' AND sent_at IS NOT NULL`)[0] != "0"
			})
			expectHealthy(s, time.Now(), a.Token)
		})
	}
}
