package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
)

// P21: one client with many accounts, or with many networks of one IPv6 site, keeps no other client waiting for a hash.
func TestOneClientCannotHoldTheHasher(t *testing.T) {
	t.Parallel()
	for what, from := range map[string]func(i int) string{
		"an address":       func(int) string { return "203.0.113.1" },
		"a site's clients": func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := start(t, "FREEHOLD_DATA_DIR="+dir)
			accounts := make([]account, 14)
			for i := range accounts {
				accounts[i] = s.signUp(nil)
			}
			victor := s.signUp(nil)
			dear := startWeakened(t, s.db, bothWalls, levers.Levers{}, app.Options{}, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1",
				"FREEHOLD_DATA_DIR="+dir, "FREEHOLD_PASSWORD_SHARE=2", "FREEHOLD_LIMIT_PASSWORD_TRY=100000/15m", "FREEHOLD_LIMIT_SIGN_IN=100000/15m", "FREEHOLD_LIMIT_OWN_GUESS=100000/15m")
			var stop atomic.Bool
			var refused atomic.Int64
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					for !stop.Load() {
						r := dear.from(from(i), accounts[i%len(accounts)].Token, reauthenticate, input("password", "not the password"))
						if r.code() == "RATE_LIMITED" {
							refused.Add(1)
							time.Sleep(20 * time.Millisecond)
						}
					}
				})
			}
			var took []time.Duration
			for range 5 {
				begun := time.Now()
				if r := dear.guess(ownersHome, victor.Email, "not the password"); r.code() != "INVALID_CREDENTIALS" {
					t.Errorf("the other client: %s", r.Body)
				}
				took = append(took, time.Since(begun))
			}
			stop.Store(true)
			wg.Wait()
			slices.Sort(took)
			if took[2] > time.Second {
				t.Errorf("others sign in within %v, and %d tries were refused meanwhile", took, refused.Load())
			}
		})
	}
}

// P23: all strangers together have a number of tries of a code, whether an account has the address or not. A client that has
// requested a code has tries of its own.
func TestCodesHaveATotal(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		ask string
		try func(s *service, from, email, code string) reply
	}{
		"verify_email": {requestVerification, func(s *service, from, email, code string) reply {
			return s.from(from, "", verifyEmail, input("email", email, "code", code))
		}},
		"reset_password": {requestReset, func(s *service, from, email, code string) reply {
			return s.from(from, "", resetPassword, input("email", email, "code", code, "newPassword", newPassword))
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t).work()
			a := s.signUp(nil)
			for _, email := range []string{a.Email, "nobody@example.org"} {
				s.from(ownersHome, "", c.ask, input("email", email))
				replies := together(200, func(i int) reply { return c.try(s, fmt.Sprint("203.0.113.", i%20), email, "0000-0000") })
				expectCodes(t, email, replies, map[string]int{"BAD_USER_INPUT": 25, "RATE_LIMITED": 175})
			}
			code := s.newestCode(a.Email, what)
			expectCodes(t, "a stranger with the code", []reply{c.try(s, "203.0.113.200", a.Email, code)}, map[string]int{"RATE_LIMITED": 1})
			expectCodes(t, "who has requested it", []reply{c.try(s, ownersHome, a.Email, code)}, map[string]int{"": 1})
			s.afterwards(15*time.Minute + time.Second)
			expectCodes(t, "a stranger afterwards", []reply{c.try(s, "203.0.113.200", a.Email, "0000-0000")}, map[string]int{"BAD_USER_INPUT": 1})
		})
	}
}

// P24: subaddresses are no way around the limits of mails: neither for one client nor for many. The mailbox's own address, and an
// address with a subaddress that its owner has proved, get their mails all the same.
func TestSubaddressesShareAMailbox(t *testing.T) {
	t.Parallel()
	s := limited(t, verifiedOnly).work()
	owner := s.signUpVerified("owner", "victor+freehold@example.org")
	attacker := s.signUpVerified("attacker", "attacker@example.org")
	before := len(s.sent())
	bomb := func(from string, n int) {
		email := fmt.Sprintf("victor+%d@example.org", n)
		s.from(from, "", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": fmt.Sprint("bomb-", serial.Add(1))}})
		s.from(from, "", requestVerification, input("email", email))
		s.from(from, attacker.Token, changeEmail, input("newEmail", email))
		s.from(from, "", requestReset, input("email", email))
	}
	for n := range 30 {
		bomb("203.0.113.1", n)
	}
	if n := len(s.sent()) - before; n > 6 || n < 3 {
		t.Errorf("one client has caused %d mails", n)
	}
	for n := range 40 {
		bomb(fmt.Sprint("203.0.113.", n+2), n)
	}
	if n := len(s.sent()) - before; n > 24 || n < 12 {
		t.Errorf("all of them have caused %d mails", n)
	}
	for _, known := range []string{owner.Email, "victor+unknown@example.org"} {
		if r := s.from(ownersHome, "", requestReset, input("email", known)); string(r.Data) != `{"requestPasswordReset":{"success":true}}` {
			t.Errorf("%s: %s", known, r.Body)
		}
	}
	code := s.newestCode(owner.Email, "reset_password")
	if r := s.from(ownersHome, "", resetPassword, input("email", owner.Email, "code", code, "newPassword", newPassword)); len(r.Errors) > 0 {
		t.Errorf("the owner: %s", r.Body)
	}
	s.from(ownersHome, "", signUpMutation, vars{"input": vars{"email": "victor@example.org", "password": password, "username": "victor"}})
	s.newestCode("victor@example.org", "verify_email")
}

// P24: nor can unproved accounts with subaddresses, which anybody can sign up, have one mailbox sent mail without end.
func TestUnprovedSubaddressesAreBounded(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for n := range 40 {
		email, from := fmt.Sprintf("victor+%d@example.org", n), fmt.Sprint("203.0.113.", n)
		s.from(from, "", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": fmt.Sprint("bomb-", serial.Add(1))}})
		for range 2 {
			s.from(from, "", requestReset, input("email", email))
		}
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE parked_at IS NULL`)[0]; n != "24" {
		t.Errorf("%s mails are sent, want 24", n)
	}
}

// P24, P20: all strangers together cause thirty mails of a kind in twelve hours. At any time of these, the owner has a code that
// is valid, or can request one.
func TestMailsOfADay(t *testing.T) {
	t.Parallel()
	s := limited(t).work()
	a := s.signUp(nil)
	for hour := range 11 {
		s.strangers(15, 1, func(string) reply {
			return s.from(fmt.Sprintf("203.0.%d.%d", hour, serial.Add(1)%250), "", requestReset, input("email", a.Email))
		})
		if n := count(s.sent(), "reset_password "+a.Email); n > 30 {
			t.Fatalf("%d mails in %d hours", n, hour+1)
		}
		if n := s.db.Query(t, `SELECT count(*) FROM app.codes WHERE user_id = $1 AND expires_at > now()`, a.UserID)[0]; n != "1" {
			if r := s.from(ownersHome, "", requestReset, input("email", a.Email)); len(r.Errors) > 0 {
				t.Errorf("in hour %d the owner has no code and can request none: %s", hour, r.Body)
			}
		}
		s.afterwards(time.Hour + time.Second)
	}
	if n := count(s.sent(), "reset_password "+a.Email); n != 30 {
		t.Errorf("%d mails, want 30", n)
	}
	s.afterwards(time.Hour)
	s.must("", requestReset, input("email", a.Email))
}

// R26: an account has a number of live sessions, writes and events of a kind; a further session ends the oldest.
func TestAccountsAreBounded(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_ACCOUNT_SESSIONS=3", "FREEHOLD_ACCOUNT_EVENTS=5", "FREEHOLD_LIMIT_WRITE=4/1h")
	a, another := s.signUp(nil), s.signUp(nil)
	tokens := []string{a.Token}
	for range 3 {
		tokens = append(tokens, s.signIn(a.Email))
	}
	s.expectNobody(tokens[0], "revoked")
	for _, token := range tokens[1:] {
		s.expectMember(token, a.Email)
	}
	s.expectMember(another.Token, another.Email)
	together(20, func(int) reply { return s.trySignIn(a.Email, password) })
	const live = `SELECT count(*) FROM app.sessions WHERE user_id = $1 AND revoked_at IS NULL`
	if n := s.db.Query(t, live, a.UserID)[0]; n != "3" {
		t.Errorf("%s sessions live after many sign-ins at once, want 3", n)
	}
	a.Token = s.signIn(a.Email)
	update := `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { profile { bio } } }`
	writes := repeat(3, func(i int) reply { return s.do(a.Token, update, input("bio", strconv.Itoa(i))) })
	writes = append(writes, repeat(2, func(i int) reply {
		return s.do(a.Token, changeEmail, input("newEmail", fmt.Sprintf("n-%d@example.org", i)))
	})...)
	expectCodes(t, "writes", writes, map[string]int{"": 4, "RATE_LIMITED": 1})
	expectCodes(t, "a write of another", []reply{s.do(another.Token, update, input("bio", "x"))}, map[string]int{"": 1})
	s.limitsEnd()
	s.must(a.Token, update, input("bio", "later"))

	for n := range 8 {
		s.guess(fmt.Sprint("203.0.113.", n), a.Email, "wrong password")
		s.guess(fmt.Sprint("203.0.113.", n), "nobody@example.org", "wrong password")
	}
	s.work()
	const most = `SELECT max(n) FROM (SELECT count(*) AS n FROM app.security_events GROUP BY user_id, kind) AS counted`
	for deadline := time.Now().Add(20 * time.Second); s.db.Query(t, most)[0] != "5"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s events of a kind are kept, want 5", s.db.Query(t, most))
		}
	}
	if kinds := s.eventKinds(a.Token); !slices.Contains(kinds, "SIGNED_UP") || kinds[0] != "SIGN_IN_REFUSED" {
		t.Errorf("events: %v", kinds)
	}
}

// The numbers of limits are settings.
func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_LIMIT_GUESS=2/90s")
	replies := repeat(3, func(int) reply { return s.guess("203.0.113.1", "nobody@example.org", "x") })
	expectCodes(t, "guesses", replies, map[string]int{"INVALID_CREDENTIALS": 2, "RATE_LIMITED": 1})
	if after := replies[2].Errors[0].Extensions.RetryAfter; after < 80 || after > 90 {
		t.Errorf("to be retried after %d s", after)
	}
}

// In production, the log says once that a proxy is not trusted.
func TestUntrustedProxiesAreToldOf(t *testing.T) {
	t.Parallel()
	const warning = "FREEHOLD_TRUSTED_PROXIES"
	for trusted, want := range map[string]int{"": 1, "127.0.0.1": 0} {
		d := dbtest.New(t)
		s := startWith(t, d, bothWalls, appOptions(), append(production(t, d), "FREEHOLD_TRUSTED_PROXIES="+trusted)...)
		s.do("", `{ me { id } }`, nil)
		if strings.Contains(s.logs.String(), warning) {
			t.Errorf("told of without a proxy: %s", s.logs)
		}
		for range 3 {
			s.from("203.0.113.1", "", `{ me { id } }`, nil)
		}
		if n := strings.Count(s.logs.String(), warning); n != want {
			t.Errorf("trusted %q: told of %d times, want %d: %s", trusted, n, want, s.logs)
		}
	}
	s := start(t)
	s.from("203.0.113.1", "", `{ me { id } }`, nil)
	if strings.Contains(s.logs.String(), warning) {
		t.Error("told of in development")
	}
}
