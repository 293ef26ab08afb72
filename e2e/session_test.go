package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

const meQuery = `{ me { id email } profiles { pageInfo { hasNextPage } } }`

// expectNobody: public fields answer, the rest is UNAUTHENTICATED with the reason. So it is for the token as a cookie,
// which is taken back.
func (s *service) expectNobody(token, reason string) {
	s.t.Helper()
	ways := map[string]func(query string) reply{"header": func(query string) reply { return s.do(token, query, nil) }}
	if token != "" {
		ways["cookie"] = func(query string) reply {
			b := &browser{service: s, access: token}
			r := b.do(query, nil)
			if b.access != "" {
				s.t.Errorf("a cookie that is %s was not taken back: %v", reason, r.Header)
			}
			return r
		}
	}
	for way, ask := range ways {
		r := ask(meQuery)
		if string(r.Data) != `{"me":null,"profiles":{"pageInfo":{"hasNextPage":false}}}` || r.Status != 200 {
			s.t.Errorf("public fields for a token, by %s, that is %s: %s", way, reason, r.Body)
		}
		challenge := r.Header.Get("WWW-Authenticate")
		switch {
		case token == "":
			if len(r.Errors) > 0 || challenge != "" {
				s.t.Errorf("me without a token: %s %q", r.Body, challenge)
			}
		case r.code() != "UNAUTHENTICATED" || fmt.Sprint(r.Errors[0].Path) != "[me]" || r.Errors[0].Extensions.Reason != reason ||
			!strings.HasPrefix(challenge, `Bearer error="invalid_token", error_description="The `):
			s.t.Errorf("me with a token, by %s, that is %s: %s %q", way, reason, r.Body, challenge)
		}
		for _, query := range []string{`mutation { revokeOtherSessions { count } }`, `mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`} {
			if r := ask(query); r.code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != reason {
				s.t.Errorf("%s with a token, by %s, that is %s: %s", query, way, reason, r.Body)
			}
		}
	}
}

// S01: after signOut nothing of the session counts, at once; other sessions live on.
func TestReplayAfterSignOut(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	other := s.signIn(a.Email)
	if r := s.do(a.Token, `mutation { signOut { success } again: signOut { success } }`, nil); string(r.Data) != `{"signOut":{"success":true},"again":{"success":true}}` || len(r.Errors) > 0 {
		t.Errorf("signing out twice in one document: %s", r.Body)
	}
	s.expectNobody(a.Token, "revoked")
	if r := s.do(other, meQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("the other session: %s", r.Body)
	}
}

func TestTokensThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	s.expectNobody("", "missing")
	s.expectNobody("garbage", "invalid")
	s.expectNobody(a.Token+"x", "invalid")
	s.expectNobody(a.Refresh, "invalid")
	s.expectNobody(strings.Repeat(".", 5000), "invalid")
	r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + a.Token, "Bearer " + a.Token}}, `{"query":"{ me { id } }"}`)
	if string(r.Data) != `{"me":null}` || r.code() != "UNAUTHENTICATED" {
		t.Errorf("two Authorization headers: %s", r.Body)
	}
	s.db.Query(t, `UPDATE app.sessions SET idle_expires_at = now() WHERE user_id = $1`, a.UserID)
	s.expectNobody(a.Token, "expired")
	s.db.Query(t, `UPDATE app.credentials SET disabled_at = now() WHERE user_id = $1`, a.UserID)
	s.expectNobody(a.Token, "invalid")
	another := start(t)
	another.expectNobody(a.Token, "invalid") // another service's key
}

// S07: an access token lives as long as configured, whatever its session does.
func TestExpiredAccessToken(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	o := app.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	s := startWith(t, dbtest.New(t), bothWalls, o, "FREEHOLD_ACCESS_TOKEN_TTL=5m")
	a := s.signUp(nil)
	ahead.Store(int64(4 * time.Minute))
	if r := s.do(a.Token, meQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("a token of four minutes: %s", r.Body)
	}
	ahead.Store(int64(6 * time.Minute))
	s.expectNobody(a.Token, "expired")
}

const signInMutation = `mutation ($i: SignInInput!) { signIn(input: $i) { user { email profile { username } } tokens { accessToken refreshToken } } }`

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUpAs("Ann", nil)
	try := func(email, password string) reply {
		return s.do("", signInMutation, vars{"i": vars{"email": email, "password": password}})
	}
	if r := try("aNN@EXAMPLE.org", password); !strings.Contains(r.Body, `"user":{"email":"Ann@example.org","profile":{"username":"Ann"}}`) {
		t.Errorf("signing in: %s", r.Body)
	}
	wrong := try(a.Email, "wrong")
	if wrong.code() != "INVALID_CREDENTIALS" || wrong.Errors[0].Extensions.Reason != "" || wrong.Header.Get("WWW-Authenticate") != "" || !strings.Contains(wrong.Body, `"signIn":null`) {
		t.Errorf("a wrong password: %s", wrong.Body)
	}
	for name, r := range map[string]reply{
		"unknown e-mail": try("nobody@example.org", password), "malformed e-mail": try("x", password), "empty": try("", ""), "NUL": try("a\x00", "b\x00"),
		"longer password": try(a.Email, password+"x"), "shorter password": try(a.Email, password[:len(password)-1]),
	} {
		if r.Body != wrong.Body || r.Status != wrong.Status {
			t.Errorf("%s: %s, want as for a wrong password", name, r.Body)
		}
	}
	s.db.Query(t, `UPDATE app.credentials SET disabled_at = now()`)
	if r := try(a.Email, password); r.Body != wrong.Body {
		t.Errorf("a disabled account: %s", r.Body)
	}
}

// I11: one password, typed on two keyboards.
func TestPasswordIsNormalized(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := s.do("", signUpMutation, vars{"input": vars{"email": "nfc@example.org", "password": "Zoe\u0308 und Rene\u0301", "username": "nfc"}})
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	if r := s.do("", signInMutation, vars{"i": vars{"email": "nfc@example.org", "password": "Zoë und René"}}); len(r.Errors) > 0 {
		t.Errorf("in NFC: %s", r.Body)
	}
}

// P15: a hash with other parameters is replaced at the next sign-in, once.
func TestSignInRehashesOnce(t *testing.T) {
	t.Parallel()
	s := startDear(t)
	a := s.signUp(nil)
	// The same password with m=8, t=1: what an older version might have stored.
	const old = `$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$E/9XOcEJe3mPXG7g015mjI/Ptw7gpcl7bw+7BNqI9bQ`
	s.db.Query(t, `UPDATE app.credentials SET password_hash = $1`, old)
	stored := func() string { return s.db.Query(t, `SELECT password_hash FROM app.credentials`)[0] }
	s.signIn(a.Email)
	renewed := stored()
	if !strings.Contains(renewed, "m=19456,t=2,p=1") {
		t.Errorf("the hash is still %s", renewed)
	}
	s.signIn(a.Email)
	if stored() != renewed {
		t.Error("a current hash was replaced")
	}
}

// P01: an unknown e-mail takes as long as a wrong password.
func TestSignInTakesTheSameTime(t *testing.T) {
	t.Parallel()
	s := startDear(t)
	a := s.signUp(nil)
	try := func(email string) func() {
		return func() { s.do("", signInMutation, vars{"i": vars{"email": email, "password": "not the password"}}) }
	}
	// A missing hash would give 0 or 40.
	sameTime(t, 25, "a known e-mail", try(a.Email), "an unknown one", try("nobody@example.org"))
}

// Limits hold for one address and one kind of act; the answer says when to come again.
func TestRateLimitPerAddress(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_RATE_LIMIT=on")
	signUp := vars{"input": vars{"email": "x", "password": "x", "username": "x"}}
	for range 100 {
		if r := s.do("", signUpMutation, signUp); r.code() != "BAD_USER_INPUT" {
			t.Fatalf("within the limit: %s", r.Body)
		}
	}
	if r := s.do("", signUpMutation, signUp); r.code() != "RATE_LIMITED" || r.Errors[0].Extensions.RetryAfter < 3000 {
		t.Errorf("the 101st sign-up: %s", r.Body)
	}
	if r := s.do("", signInMutation, vars{"i": vars{"email": "a@x.org", "password": "x"}}); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("another kind of act: %s", r.Body)
	}
	s.db.Query(t, `UPDATE app.rate_limits SET ends_at = now()`)
	if r := s.do("", signUpMutation, signUp); r.code() != "BAD_USER_INPUT" {
		t.Errorf("in the next window: %s", r.Body)
	}
}

func BenchmarkMe(b *testing.B) {
	s := startWith(b, dbtest.New(b), bothWalls, app.Options{}, "FREEHOLD_LOG_LEVEL=ERROR")
	a := s.signUp(nil)
	b.ResetTimer()
	for b.Loop() {
		s.do(a.Token, `{ me { email profile { username } } }`, nil)
	}
}

// P11, R12: a burst of sign-ins waits for hashes without holding a connection, those too many are told to come again,
// and other requests are served meanwhile.
func TestBurstOfSignInsLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	s := startDear(t, "FREEHOLD_DATABASE_CONNECTIONS=2", "FREEHOLD_PASSWORD_QUEUE=10")
	a := s.signUp(nil)
	var wg sync.WaitGroup
	codes := make([]string, 100)
	for i := range codes {
		wg.Go(func() {
			r := s.do("", signInMutation, vars{"i": vars{"email": a.Email, "password": "not the password"}})
			codes[i] = r.code()
			if codes[i] == "RATE_LIMITED" && r.Errors[0].Extensions.RetryAfter == 0 {
				t.Errorf("not told when to come again: %s", r.Body)
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
		if r := s.do(a.Token, `{ me { id } }`, nil); len(r.Errors) > 0 {
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
