package accounts

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
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// P21: one client with many accounts, or with many networks of one IPv6 site, does not make other clients wait for a hash.
func TestOneClientCannotHoldTheHasher(t *testing.T) {
	t.Parallel()
	for what, from := range map[string]func(i int) string{
		"an address":       func(int) string { return "203.0.113.1" },
		"a site's clients": func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := harness.Start(t, "FREEHOLD_DATA_DIR="+dir)
			accounts := make([]harness.Account, 14)
			for i := range accounts {
				accounts[i] = s.SignUp(nil)
			}
			victor := s.SignUp(nil)
			dear := harness.Setup{Database: s.DB, FullCost: true, Settings: []string{
				"FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1", "FREEHOLD_DATA_DIR=" + dir, "FREEHOLD_PASSWORD_SHARE=2",
				"FREEHOLD_LIMIT_PASSWORD_TRY=100000/15m", "FREEHOLD_LIMIT_SIGN_IN=100000/15m", "FREEHOLD_LIMIT_OWN_GUESS=100000/15m",
			}}.Start(t)
			var stop atomic.Bool
			var refused atomic.Int64
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					for !stop.Load() {
						r := sendFrom(dear, from(i), accounts[i%len(accounts)].Token, harness.Reauthenticate, harness.Input("password", "not the password"))
						if r.Code() == "RATE_LIMITED" {
							refused.Add(1)
							time.Sleep(20 * time.Millisecond)
						}
					}
				})
			}
			var took []time.Duration
			for range 5 {
				begun := time.Now()
				if r := guessFrom(dear, ownersHome, victor.Email, "not the password"); r.Code() != "INVALID_CREDENTIALS" {
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

// P23: all strangers together have a limited number of tries of a code, whether or not an account has the address. A client
// that has requested a code has tries of its own.
func TestCodesHaveATotal(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		ask string
		try func(s *harness.Service, from, email, code string) harness.Reply
	}{
		"verify_email": {harness.RequestVerification, func(s *harness.Service, from, email, code string) harness.Reply {
			return sendFrom(s, from, "", harness.VerifyEmail, harness.Input("email", email, "code", code))
		}},
		"reset_password": {harness.RequestReset, func(s *harness.Service, from, email, code string) harness.Reply {
			return sendFrom(s, from, "", harness.ResetPassword, harness.Input("email", email, "code", code, "newPassword", harness.NewPassword))
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t).Work()
			a := s.SignUp(nil)
			for _, email := range []string{a.Email, "nobody@example.org"} {
				sendFrom(s, ownersHome, "", c.ask, harness.Input("email", email))
				replies := together(200, func(i int) harness.Reply { return c.try(s, fmt.Sprint("203.0.113.", i%20), email, "0000-0000") })
				expectCodes(t, email, replies, map[string]int{"BAD_USER_INPUT": 25, "RATE_LIMITED": 175})
			}
			code := newestCode(s, a.Email, what)
			expectCodes(t, "a stranger with the code", []harness.Reply{c.try(s, "203.0.113.200", a.Email, code)}, map[string]int{"RATE_LIMITED": 1})
			expectCodes(t, "who has requested it", []harness.Reply{c.try(s, ownersHome, a.Email, code)}, map[string]int{"": 1})
			afterwards(s, 15*time.Minute+time.Second)
			expectCodes(t, "a stranger afterwards", []harness.Reply{c.try(s, "203.0.113.200", a.Email, "0000-0000")}, map[string]int{"BAD_USER_INPUT": 1})
		})
	}
}

// P24: subaddresses do not bypass the limits of mails, for one client or for many. The mailbox's own address, and an address
// with a subaddress that its owner has verified, still get their mails.
func TestSubaddressesShareAMailbox(t *testing.T) {
	t.Parallel()
	s := limited(t, verifiedOnly).Work()
	owner := signUpVerified(s, "owner", "victor+freehold@example.org")
	attacker := signUpVerified(s, "attacker", "attacker@example.org")
	before := len(sent(s))
	bomb := func(from string, n int) {
		email := fmt.Sprintf("victor+%d@example.org", n)
		sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": fmt.Sprint("bomb-", harness.Serial.Add(1))}})
		sendFrom(s, from, "", harness.RequestVerification, harness.Input("email", email))
		sendFrom(s, from, attacker.Token, harness.ChangeEmail, harness.Input("newEmail", email))
		sendFrom(s, from, "", harness.RequestReset, harness.Input("email", email))
	}
	for n := range 30 {
		bomb("203.0.113.1", n)
	}
	if n := len(sent(s)) - before; n > 6 || n < 3 {
		t.Errorf("one client has caused %d mails", n)
	}
	for n := range 40 {
		bomb(fmt.Sprint("203.0.113.", n+2), n)
	}
	if n := len(sent(s)) - before; n > 24 || n < 12 {
		t.Errorf("all of them have caused %d mails", n)
	}
	for _, known := range []string{owner.Email, "victor+unknown@example.org"} {
		if r := sendFrom(s, ownersHome, "", harness.RequestReset, harness.Input("email", known)); string(r.Data) != `{"requestPasswordReset":{"success":true}}` {
			t.Errorf("%s: %s", known, r.Body)
		}
	}
	code := newestCode(s, owner.Email, "reset_password")
	if r := sendFrom(s, ownersHome, "", harness.ResetPassword, harness.Input("email", owner.Email, "code", code, "newPassword", harness.NewPassword)); len(r.Errors) > 0 {
		t.Errorf("the owner: %s", r.Body)
	}
	sendFrom(s, ownersHome, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "victor@example.org", "password": harness.Password, "username": "victor"}})
	newestCode(s, "victor@example.org", "verify_email")
}

// P24: nor do unverified accounts with subaddresses, which anyone can create, send one mailbox mails without limit.
func TestUnverifiedSubaddressesAreBounded(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for n := range 40 {
		email, from := fmt.Sprintf("victor+%d@example.org", n), fmt.Sprint("203.0.113.", n)
		sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": fmt.Sprint("bomb-", harness.Serial.Add(1))}})
		for range 2 {
			sendFrom(s, from, "", harness.RequestReset, harness.Input("email", email))
		}
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE parked_at IS NULL`)[0]; n != "24" {
		t.Errorf("%s mails are sent, want 24", n)
	}
}

// P24, P20: all strangers together cause at most thirty mails of a kind in twelve hours. At any time of these, the owner has
// a valid code or can request one.
func TestMailsOfADay(t *testing.T) {
	t.Parallel()
	s := limited(t).Work()
	a := s.SignUp(nil)
	for hour := range 11 {
		strangers(s, 15, 1, func(string) harness.Reply {
			return sendFrom(s, fmt.Sprintf("203.0.%d.%d", hour, harness.Serial.Add(1)%250), "", harness.RequestReset, harness.Input("email", a.Email))
		})
		if n := count(sent(s), "reset_password "+a.Email); n > 30 {
			t.Fatalf("%d mails in %d hours", n, hour+1)
		}
		if n := s.DB.Query(t, `SELECT count(*) FROM app.codes WHERE user_id = $1 AND expires_at > now()`, a.UserID)[0]; n != "1" {
			if r := sendFrom(s, ownersHome, "", harness.RequestReset, harness.Input("email", a.Email)); len(r.Errors) > 0 {
				t.Errorf("in hour %d the owner has no code and can request none: %s", hour, r.Body)
			}
		}
		afterwards(s, time.Hour+time.Second)
	}
	if n := count(sent(s), "reset_password "+a.Email); n != 30 {
		t.Errorf("%d mails, want 30", n)
	}
	afterwards(s, time.Hour)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
}

// R26: an account has a limited number of live sessions, writes, and events of a kind. A further session revokes the oldest.
func TestAccountsAreBounded(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_ACCOUNT_SESSIONS=3", "FREEHOLD_ACCOUNT_EVENTS=5", "FREEHOLD_LIMIT_WRITE=4/1h")
	a, another := s.SignUp(nil), s.SignUp(nil)
	tokens := []string{a.Token}
	for range 3 {
		tokens = append(tokens, s.SignIn(a.Email))
	}
	s.ExpectNoSession(tokens[0], "revoked")
	for _, token := range tokens[1:] {
		s.ExpectMember(token, a.Email)
	}
	s.ExpectMember(another.Token, another.Email)
	together(20, func(int) harness.Reply { return s.TrySignIn(a.Email, harness.Password) })
	const live = `SELECT count(*) FROM app.sessions WHERE user_id = $1 AND revoked_at IS NULL`
	if n := s.DB.Query(t, live, a.UserID)[0]; n != "3" {
		t.Errorf("%s sessions live after many sign-ins at once, want 3", n)
	}
	a.Token = s.SignIn(a.Email)
	update := `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { profile { bio } } }`
	writes := repeat(3, func(i int) harness.Reply { return s.Do(a.Token, update, harness.Input("bio", strconv.Itoa(i))) })
	writes = append(writes, repeat(2, func(i int) harness.Reply {
		return s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", fmt.Sprintf("n-%d@example.org", i)))
	})...)
	expectCodes(t, "writes", writes, map[string]int{"": 4, "RATE_LIMITED": 1})
	expectCodes(t, "a write of another", []harness.Reply{s.Do(another.Token, update, harness.Input("bio", "x"))}, map[string]int{"": 1})
	limitsEnd(s)
	s.Must(a.Token, update, harness.Input("bio", "later"))

	for n := range 8 {
		guessFrom(s, fmt.Sprint("203.0.113.", n), a.Email, "wrong password")
		guessFrom(s, fmt.Sprint("203.0.113.", n), "nobody@example.org", "wrong password")
	}
	s.Work()
	const most = `SELECT max(n) FROM (SELECT count(*) AS n FROM app.security_events GROUP BY user_id, kind) AS counted`
	eventually.True(t, 20*time.Second, "5 events of a kind are kept", func() bool { return s.DB.Query(t, most)[0] == "5" })
	if kinds := eventKinds(s, a.Token); !slices.Contains(kinds, "SIGNED_UP") || kinds[0] != "SIGN_IN_REFUSED" {
		t.Errorf("events: %v", kinds)
	}
}

// The numbers of limits are settings.
func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_LIMIT_GUESS=2/90s")
	replies := repeat(3, func(int) harness.Reply { return guessFrom(s, "203.0.113.1", "nobody@example.org", "x") })
	expectCodes(t, "guesses", replies, map[string]int{"INVALID_CREDENTIALS": 2, "RATE_LIMITED": 1})
	if after := replies[2].Errors[0].Extensions.RetryAfter; after < 80 || after > 90 {
		t.Errorf("to be retried after %d s", after)
	}
}

// In production, the log says once that a proxy is not trusted.
func TestUntrustedProxiesAreReported(t *testing.T) {
	t.Parallel()
	const warning = "FREEHOLD_TRUSTED_PROXIES"
	for trusted, want := range map[string]int{"": 1, "127.0.0.1": 0} {
		d := dbtest.New(t)
		s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, append(harness.Production(t, d), "FREEHOLD_TRUSTED_PROXIES="+trusted)...)
		s.Do("", `{ me { id } }`, nil)
		if strings.Contains(s.Logs.String(), warning) {
			t.Errorf("reported without a proxy: %s", s.Logs)
		}
		for range 3 {
			sendFrom(s, "203.0.113.1", "", `{ me { id } }`, nil)
		}
		if n := strings.Count(s.Logs.String(), warning); n != want {
			t.Errorf("trusted %q: reported %d times, want %d: %s", trusted, n, want, s.Logs)
		}
	}
	s := harness.Start(t)
	sendFrom(s, "203.0.113.1", "", `{ me { id } }`, nil)
	if strings.Contains(s.Logs.String(), warning) {
		t.Error("reported in development")
	}
}
