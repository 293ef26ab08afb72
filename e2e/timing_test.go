package e2e

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"
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

// sameTime fails if one of two acts is slower than the other more often than chance allows (|z| > 4.5). They are timed
// in pairs, next to each other and in alternating order, and compared by rank only, so that a busy machine, which slows
// both, makes no difference.
func sameTime(t *testing.T, pairs int, first string, a func(), second string, b func()) {
	t.Helper()
	sameTimeRested(t, pairs, func() {}, first, a, second, b)
}

// sameTimeRested is sameTime for acts after which work goes on that would slow the next: it rests before each.
func sameTimeRested(t *testing.T, pairs int, rest func(), first string, a func(), second string, b func()) {
	t.Helper()
	measure := func(act func()) time.Duration {
		rest()
		begun := time.Now()
		act()
		return time.Since(begun)
	}
	measure(a) // whatever is made at first use
	measure(b)
	var as, bs []time.Duration
	slower := 0
	for i := range pairs {
		var da, db time.Duration
		if i%2 == 0 {
			da, db = measure(a), measure(b)
		} else {
			db, da = measure(b), measure(a)
		}
		if da > db {
			slower++
		}
		as, bs = append(as, da), append(bs, db)
	}
	slices.Sort(as)
	slices.Sort(bs)
	told := fmt.Sprintf("%s was slower than %s in %d of %d pairs (medians %v and %v)", first, second, slower, pairs, as[pairs/2], bs[pairs/2])
	if math.Abs(float64(2*slower-pairs)) > 4.5*math.Sqrt(float64(pairs)) {
		t.Error(told)
	} else {
		t.Log(told)
	}
}
