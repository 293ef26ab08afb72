package e2e

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
)

// P02: whether an address has an account can be told neither by the answer to asking for a code nor by its time, whether
// or not mails are being sent beside.
func TestAskingForACodeTakesTheSameTime(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		query string
		sent  bool
	}{
		"a new password": {requestReset, false}, "a verification": {requestVerification, false}, "a new password, while mails are sent": {requestReset, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			a := s.signUp(nil)
			rest := func() {}
			if c.sent {
				s.work()
				rest = s.settled // what is sent slows whoever comes next
			}
			known, unknown := s.must("", c.query, input("email", a.Email)), s.must("", c.query, input("email", "nobody@example.org"))
			if known.Body != unknown.Body || known.Status != unknown.Status {
				t.Errorf("a known address: %d %s, an unknown one: %d %s", known.Status, known.Body, unknown.Status, unknown.Body)
			}
			try := func(email string) func() {
				return func() { s.do("", c.query, input("email", email)) }
			}
			sameTimeRested(t, 60, rest, "a known address", try(a.Email), "an unknown one", try("nobody@example.org"))
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
			s := start(t, "FREEHOLD_RATE_LIMIT="+c.limits, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1")
			const pairs = 120                                    // a statement more or less shows in them; some 40 µs, which are known to be there, do not
			as := func(client int, query string, v vars) reply { // so that no limit is met
				header := http.Header{"Content-Type": {"application/json"}, "X-Forwarded-For": {fmt.Sprintf("10.%d.%d.1", client/256, client%256)}}
				return s.send(http.MethodPost, header, asBody(t, query, v))
			}
			for n := range pairs + 1 {
				email := fmt.Sprintf("known-%d@example.org", n)
				r := as(n, signUpMutation, vars{"input": vars{"email": email, "password": password, "username": fmt.Sprintf("known-%d", n)}})
				if len(r.Errors) > 0 {
					t.Fatal(r.Body)
				}
			}
			next := map[string]int{}
			try := func(who string) func() {
				return func() {
					n := next[who]
					next[who]++
					r := as(n+c.other, signInMutation, input("email", fmt.Sprintf("%s-%d@example.org", who, n), "password", "not the password"))
					if r.code() != "INVALID_CREDENTIALS" {
						t.Errorf("signing in: %s", r.Body)
					}
				}
			}
			sameTime(t, pairs, "a known address", try("known"), "an unknown one", try("unknown"))
		})
	}
}

// sameTime fails if one of two acts is slower than the other more often than chance allows (|z| > 4.5), and by more than
// a twentieth: one statement more takes longer than that. They are timed in pairs, next to each other and in alternating
// order, so that a busy machine slows both.
func sameTime(t *testing.T, pairs int, first string, a func(), second string, b func()) {
	t.Helper()
	sameTimeRested(t, pairs, func() {}, first, a, second, b)
}

// sameTimeRested is sameTime for acts after which work goes on that would slow the next: it rests before each.
func sameTimeRested(t *testing.T, pairs int, rest func(), first string, a func(), second string, b func()) {
	t.Helper()
	measured := func(act func()) func() time.Duration {
		return func() time.Duration {
			rest()
			begun := time.Now()
			act()
			return time.Since(begun)
		}
	}
	sameTimes(t, pairs, first, measured(a), second, measured(b))
}

// sameTimes is sameTime for acts that say how long something took.
func sameTimes(t *testing.T, pairs int, first string, a func() time.Duration, second string, b func() time.Duration) {
	t.Helper()
	a() // whatever is made at first use
	b()
	var as, bs []time.Duration
	slower := 0
	for i := range pairs {
		var da, db time.Duration
		if i%2 == 0 {
			da, db = a(), b()
		} else {
			db, da = b(), a()
		}
		if da > db {
			slower++
		}
		as, bs = append(as, da), append(bs, db)
	}
	slices.Sort(as)
	slices.Sort(bs)
	told := fmt.Sprintf("%s was slower than %s in %d of %d pairs (medians %v and %v)", first, second, slower, pairs, as[pairs/2], bs[pairs/2])
	ratio := float64(as[pairs/2]) / float64(bs[pairs/2])
	if math.Abs(float64(2*slower-pairs)) > 4.5*math.Sqrt(float64(pairs)) && max(ratio, 1/ratio) > 1.05 {
		t.Error(told)
	} else {
		t.Log(told)
	}
}

// P25: nor can it be told by the time of the next request: the mail is sent a random while later.
func TestNextRequestTakesTheSameTime(t *testing.T) {
	t.Parallel()
	for what, query := range map[string]string{"a new password": requestReset, "a verification": requestVerification} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := appOptions()
			o.MailLatest = time.Minute // later than the test
			s := startWith(t, dbtest.New(t), bothWalls, o).work()
			a := s.signUp(nil)
			try := func(email string) func() time.Duration {
				return func() time.Duration {
					s.must("", query, input("email", email))
					begun := time.Now()
					s.do("", query, input("email", "nobody-else@example.org"))
					return time.Since(begun)
				}
			}
			sameTimes(t, 100, "the request after a known address", try(a.Email), "after an unknown one", try("nobody@example.org"))
		})
	}
}

// P25: a mail is sent after 0.5 to 3 s, whatever it is about.
func TestMailsWaitARandomWhile(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	o := appOptions()
	o.MailLatest = 3 * time.Second
	s := startWith(t, d, bothWalls, o)
	a := s.signUp(nil)
	for range 10 {
		s.must("", requestReset, input("email", a.Email))
		s.must("", requestVerification, input("email", a.Email))
		s.must(a.Token, changeEmail, input("newEmail", "new-"+a.Email))
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
	s.db.Query(t, `DELETE FROM app.outbox`)
	s.work()
	s.must("", requestReset, input("email", a.Email))
	begun := time.Now()
	s.mailTo(a.Email, "reset_password", 1)
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("the mail came after %v", took)
	}
}

// A service that nothing else is said of waits for that long.
func TestMailsWaitByDefault(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	a, err := program.New(levers.With(t.Context(), cheap), config(t, d.App), appOptions())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		server.Close()
		a.Close()
	})
	s := &service{t: t, db: d, url: server.URL, app: a}
	s.must("", requestReset, input("email", s.signUp(nil).Email))
	if early := d.Query(t, `SELECT count(*) FROM app.outbox WHERE next_attempt_at < created_at + interval '500 milliseconds'`)[0]; early != "0" {
		t.Error("a mail is sent at once")
	}
}
