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

// P02: whether an address has an account can be told neither by the answer to asking for a code nor by its time, whether
// or not mails are being sent beside.
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
				rest = s.AwaitOutbox // what is sent slows whoever comes next
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

// P01: what is done beside the hash takes the same time for a known address as for an unknown one. The hash costs next to
// nothing here, or it would hide the rest; TestSignInTakesTheSameTime is about the hash. Who asks from where an account was
// signed in to before is counted otherwise, which must not be seen either.
func TestRefusedSignInTakesTheSameTimeBesideTheHash(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits string
		other  int // by how many networks the one that asks is away from the account's
	}{
		"without limits": {"off", 0}, "with limits, from the owner's network": {"on", 0}, "with limits, from another": {"on", 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "FREEHOLD_RATE_LIMIT="+c.limits, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1")
			const pairs = 120                                                    // a statement more or less shows in them; some 40 µs, which are known to be there, do not
			as := func(client int, query string, v harness.Vars) harness.Reply { // so that no limit is met
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

// P25: nor can it be told by the time of the next request: the mail is sent a random while later.
func TestNextRequestTakesTheSameTime(t *testing.T) {
	t.Parallel()
	for what, query := range map[string]string{"a new password": harness.RequestReset, "a verification": harness.RequestVerification} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := app.Options{}
			o.MailLatest = time.Minute // later than the test
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

// P25: a mail is sent after 0.5 to 3 s, whatever it is about.
func TestMailsWaitARandomWhile(t *testing.T) {
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

// A service that nothing else is said of waits for that long.
func TestMailsWaitByDefault(t *testing.T) {
	t.Parallel()
	s := harness.Setup{Options: app.Options{MailLatest: harness.UsualMailWait}}.Start(t)
	s.Must("", harness.RequestReset, harness.Input("email", s.SignUp(nil).Email))
	if early := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE next_attempt_at < created_at + interval '500 milliseconds'`)[0]; early != "0" {
		t.Error("a mail is sent at once")
	}
}
