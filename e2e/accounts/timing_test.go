package accounts

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// P02: neither the reply to a request for a code nor its time reveals whether an address has an account, whether or not mails
// are being sent.
func TestAskingForACodeTakesTheSameTime(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		query string
		sent  bool
	}{
		"a new password": {harness.RequestReset, false}, "a verification": {harness.RequestVerification, false}, "a new password, while mails are sent": {harness.RequestReset, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			a := s.SignUp(nil)
			rest := func() {}
			if c.sent {
				s.Work()
				rest = s.AwaitOutbox // sending slows the next request
			}
			known, unknown := s.Must("", c.query, harness.Input("email", a.Email)), s.Must("", c.query, harness.Input("email", "nobody@example.org"))
			if known.Body != unknown.Body || known.Status != unknown.Status {
				t.Errorf("a known address: %d %s, an unknown one: %d %s", known.Status, known.Body, unknown.Status, unknown.Body)
			}
			try := func(email string) func() {
				return func() { s.Do("", c.query, harness.Input("email", email)) }
			}
			harness.SameTimeRested(t, 60, rest, "a known address", try(a.Email), "an unknown one", try("nobody@example.org"))
		})
	}
}

// P01: what a sign-in does beside the hash takes the same time for a known address as for an unknown one. The hash costs
// almost nothing here, so that it does not hide the rest; TestSignInTakesTheSameTime is about the hash. Guesses from a client
// that has used the account are counted differently, which must not show either.
func TestRefusedSignInTakesTheSameTimeBesideTheHash(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits string
		other  int // how many networks the client is away from the account's
	}{
		"without limits": {"off", 0}, "with limits, from the owner's network": {"on", 0}, "with limits, from another": {"on", 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "FREEHOLD_RATE_LIMIT="+c.limits, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1")
			const pairs = 120                                                    // enough to detect one statement more, and not the known difference of some 40 µs
			as := func(client int, query string, v harness.Vars) harness.Reply { // so that no limit is reached
				header := http.Header{"X-Forwarded-For": {fmt.Sprintf("10.%d.%d.1", client/256, client%256)}}
				return s.Send(harness.Request{Header: header, Query: query, Vars: v})
			}
			for n := range pairs + 1 {
				email := fmt.Sprintf("known-%d@example.org", n)
				r := as(n, harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": fmt.Sprintf("known-%d", n)}})
				if len(r.Errors) > 0 {
					t.Fatal(r.Body)
				}
			}
			next := map[string]int{}
			try := func(who string) func() {
				return func() {
					n := next[who]
					next[who]++
					r := as(n+c.other, harness.SignInMutation, harness.Input("email", fmt.Sprintf("%s-%d@example.org", who, n), "password", "not the password"))
					if r.Code() != "INVALID_CREDENTIALS" {
						t.Errorf("signing in: %s", r.Body)
					}
				}
			}
			harness.SameTime(t, pairs, "a known address", try("known"), "an unknown one", try("unknown"))
		})
	}
}

// P25: the time of the next request does not reveal it either, because the mail is sent after a random delay.
func TestNextRequestTakesTheSameTime(t *testing.T) {
	t.Parallel()
	for what, query := range map[string]string{"a new password": harness.RequestReset, "a verification": harness.RequestVerification} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := app.Options{}
			o.MailLatest = time.Minute // later than the end of the test
			s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o).Work()
			a := s.SignUp(nil)
			try := func(email string) func() time.Duration {
				return func() time.Duration {
					s.Must("", query, harness.Input("email", email))
					begun := time.Now()
					s.Do("", query, harness.Input("email", "nobody-else@example.org"))
					return time.Since(begun)
				}
			}
			harness.SameTimes(t, 100, "the request after a known address", try(a.Email), "after an unknown one", try("nobody@example.org"))
		})
	}
}

// P25: a mail of any kind is sent after 0.5 to 3 s.
func TestMailsWaitARandomTime(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	o := app.Options{}
	o.MailLatest = 3 * time.Second
	s := harness.StartWith(t, d, harness.BothLayers, o)
	a := s.SignUp(nil)
	for range 10 {
		s.Must("", harness.RequestReset, harness.Input("email", a.Email))
		s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
		s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
	}
	waits := map[string]bool{}
	for _, text := range d.Query(t, `SELECT extract(epoch FROM next_attempt_at - created_at) FROM app.outbox`) {
		wait, err := strconv.ParseFloat(text, 64)
		if err != nil || wait < 0.5 || wait > 3 {
			t.Errorf("a mail waits for %s s: %v", text, err)
		}
		waits[text] = true
	}
	if len(waits) < 20 {
		t.Errorf("mails wait for %v", waits)
	}
	s.DB.Query(t, `DELETE FROM app.outbox`)
	s.Work()
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	begun := time.Now()
	s.MailTo(a.Email, "reset_password", 1)
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("the mail came after %v", took)
	}
}

// A service without other options waits for that long.
func TestMailsWaitByDefault(t *testing.T) {
	t.Parallel()
	s := harness.Setup{Options: app.Options{MailLatest: harness.UsualMailWait}}.Start(t)
	s.Must("", harness.RequestReset, harness.Input("email", s.SignUp(nil).Email))
	if early := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE next_attempt_at < created_at + interval '500 milliseconds'`)[0]; early != "0" {
		t.Error("a mail is sent at once")
	}
}
