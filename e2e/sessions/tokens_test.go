package sessions

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// S01: signOut immediately revokes all tokens of the session. Other sessions continue.
func TestReplayAfterSignOut(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	other := s.SignIn(a.Email)
	if r := s.Do(a.Token, `mutation { signOut { success } again: signOut { success } }`, nil); string(r.Data) != `{"signOut":{"success":true},"again":{"success":true}}` || len(r.Errors) > 0 {
		t.Errorf("signing out twice in one document: %s", r.Body)
	}
	s.ExpectNoSession(a.Token, "revoked")
	if r := s.Do(other, harness.MeQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("the other session: %s", r.Body)
	}
}

func TestInvalidTokens(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	s.ExpectNoSession("", "missing")
	s.ExpectNoSession("garbage", "invalid")
	s.ExpectNoSession(a.Token+"x", "invalid")
	s.ExpectNoSession(a.Refresh, "invalid")
	s.ExpectNoSession(strings.Repeat(".", 5000), "invalid")
	r := s.Send(harness.Request{Header: http.Header{"Authorization": {"Bearer " + a.Token, "Bearer " + a.Token}}, Query: `{ me { id } }`})
	if string(r.Data) != `{"me":null}` || r.Code() != "UNAUTHENTICATED" {
		t.Errorf("two Authorization headers: %s", r.Body)
	}
	s.DB.Query(t, `UPDATE app.sessions SET idle_expires_at = now() WHERE user_id = $1`, a.UserID)
	s.ExpectNoSession(a.Token, "expired")
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, a.UserID)
	s.ExpectNoSession(a.Token, "invalid")
	another := harness.Start(t)
	another.ExpectNoSession(a.Token, "invalid") // another service's key
}

// S07: an access token lives as long as configured, even if its session lives longer.
func TestExpiredAccessToken(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	o := app.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o, "FREEHOLD_ACCESS_TOKEN_TTL=5m")
	a := s.SignUp(nil)
	ahead.Store(int64(4 * time.Minute))
	if r := s.Do(a.Token, harness.MeQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("a token of four minutes: %s", r.Body)
	}
	ahead.Store(int64(6 * time.Minute))
	s.ExpectNoSession(a.Token, "expired")
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUpAs("Ann", nil)
	try := func(email, password string) harness.Reply {
		return s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": email, "password": password}})
	}
	if r := try("aNN@EXAMPLE.org", harness.Password); !strings.Contains(r.Body, `"user":{"email":"Ann@example.org","profile":{"username":"Ann"}}`) {
		t.Errorf("signing in: %s", r.Body)
	}
	wrong := try(a.Email, "wrong")
	if wrong.Code() != "INVALID_CREDENTIALS" || wrong.Errors[0].Extensions.Reason != "" || wrong.Header.Get("WWW-Authenticate") != "" || !strings.Contains(wrong.Body, `"signIn":null`) {
		t.Errorf("a wrong password: %s", wrong.Body)
	}
	for name, r := range map[string]harness.Reply{
		"unknown e-mail": try("nobody@example.org", harness.Password), "malformed e-mail": try("x", harness.Password), "empty": try("", ""), "NUL": try("a\x00", "b\x00"),
		"longer password": try(a.Email, harness.Password+"x"), "shorter password": try(a.Email, harness.Password[:len(harness.Password)-1]),
	} {
		if r.Body != wrong.Body || r.Status != wrong.Status {
			t.Errorf("%s: %s, want as for a wrong password", name, r.Body)
		}
	}
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now()`)
	if r := try(a.Email, harness.Password); r.Body != wrong.Body {
		t.Errorf("a disabled account: %s", r.Body)
	}
}

// I11: one password, typed on two keyboards.
func TestPasswordIsNormalized(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "nfc@example.org", "password": "Zoe\u0308 und Rene\u0301", "username": "nfc"}})
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	if r := s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": "nfc@example.org", "password": "Zoë und René"}}); len(r.Errors) > 0 {
		t.Errorf("in NFC: %s", r.Body)
	}
}

// P15: the next sign-in replaces a hash with other parameters, once.
func TestSignInRehashesOnce(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true}.Start(t)
	a := s.SignUp(nil)
	// The same password with m=8, t=1: what an older version could have stored.
	const old = `$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$E/9XOcEJe3mPXG7g015mjI/Ptw7gpcl7bw+7BNqI9bQ`
	s.DB.Query(t, `UPDATE app.accounts SET password_hash = $1`, old)
	stored := func() string { return s.DB.Query(t, `SELECT password_hash FROM app.accounts`)[0] }
	s.SignIn(a.Email)
	renewed := stored()
	if !strings.Contains(renewed, "m=19456,t=2,p=1") {
		t.Errorf("the hash is still %s", renewed)
	}
	s.SignIn(a.Email)
	if stored() != renewed {
		t.Error("a current hash was replaced")
	}
}

// P01: an unknown email takes as long as a wrong password.
func TestSignInTakesTheSameTime(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true}.Start(t)
	a := s.SignUp(nil)
	try := func(email string) func() {
		return func() {
			s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": email, "password": "not the password"}})
		}
	}
	// A missing hash would give 0 or 40.
	harness.SameTime(t, 25, "a known e-mail", try(a.Email), "an unknown one", try("nobody@example.org"))
}

// A limit applies to one client address and one kind of operation. The reply says when to retry.
func TestRateLimitPerAddress(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on")
	signUp := harness.Vars{"input": harness.Vars{"email": "x", "password": "x", "username": "x"}}
	for range 100 {
		if r := s.Do("", harness.SignUpMutation, signUp); r.Code() != "BAD_USER_INPUT" {
			t.Fatalf("within the limit: %s", r.Body)
		}
	}
	if r := s.Do("", harness.SignUpMutation, signUp); r.Code() != "RATE_LIMITED" || r.Errors[0].Extensions.RetryAfter < 3000 {
		t.Errorf("the 101st sign-up: %s", r.Body)
	}
	if r := s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": "a@x.org", "password": "x"}}); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("another kind of act: %s", r.Body)
	}
	s.DB.Query(t, `UPDATE app.rate_limits SET ends_at = now()`)
	if r := s.Do("", harness.SignUpMutation, signUp); r.Code() != "BAD_USER_INPUT" {
		t.Errorf("in the next window: %s", r.Body)
	}
}

func BenchmarkMe(b *testing.B) {
	s := harness.StartWith(b, dbtest.New(b), harness.BothLayers, app.Options{}, "FREEHOLD_LOG_LEVEL=ERROR")
	a := s.SignUp(nil)
	b.ResetTimer()
	for b.Loop() {
		s.Do(a.Token, `{ me { email profile { username } } }`, nil)
	}
}

// P11, R12: a burst of sign-ins waits for hashes without holding a connection. Requests beyond the queue get a time to retry,
// and other requests are served meanwhile.
func TestBurstOfSignInsLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true, Settings: []string{"FREEHOLD_DATABASE_CONNECTIONS=2", "FREEHOLD_PASSWORD_QUEUE=10"}}.Start(t)
	a := s.SignUp(nil)
	var wg sync.WaitGroup
	codes := make([]string, 100)
	for i := range codes {
		wg.Go(func() {
			r := s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": a.Email, "password": "not the password"}})
			codes[i] = r.Code()
			if codes[i] == "RATE_LIMITED" && r.Errors[0].Extensions.RetryAfter == 0 {
				t.Errorf("without a time to retry: %s", r.Body)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	reads := 0
	for meanwhile := true; meanwhile; reads++ {
		if r := s.Do(a.Token, `{ me { id } }`, nil); len(r.Errors) > 0 {
			t.Errorf("a read meanwhile: %s", r.Body)
		}
		select {
		case <-done:
			meanwhile = false
		case <-time.After(time.Millisecond):
		}
	}
	count := map[string]int{}
	for _, code := range codes {
		count[code]++
	}
	if count["INVALID_CREDENTIALS"]+count["RATE_LIMITED"] != len(codes) || count["INVALID_CREDENTIALS"] < 10 || count["RATE_LIMITED"] < 10 || reads < 5 {
		t.Errorf("answers %v, and %d reads meanwhile", count, reads)
	}
}
