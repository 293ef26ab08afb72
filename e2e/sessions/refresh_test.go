package sessions

import (
	"strings"
	"sync"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// S14: a lost reply and a retry are harmless within the grace period.
func TestRefreshAndRetry(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		a := s.SignUp(nil)
		access, next, _ := s.Refresh(a.Refresh)
		s.ExpectMember(access, a.Email)
		if next == a.Refresh || next == "" {
			t.Errorf("the successor of a token is %q", next)
		}
		s.AgeSessions(5)
		if _, again, reason := s.Refresh(a.Refresh); again != next {
			t.Errorf("a retry gets another token (%s)", reason)
		}
		access, third, _ := s.Refresh(next)
		s.ExpectMember(access, a.Email)
		if third == next || third == "" {
			t.Error("the chain does not go on")
		}
	})
}

// S12: reuse after the grace period revokes the session, including its newest tokens. This is committed although the call
// fails. Other sessions continue.
func TestReuseEndsTheSession(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		for name, rotations := range map[string]int{"the previous token": 1, "the one before it": 2} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				a := s.SignUp(nil)
				other := s.SignIn(a.Email)
				access, newest := "", a.Refresh
				for range rotations {
					access, newest, _ = s.Refresh(newest)
				}
				s.AgeSessions(60)
				if _, _, reason := s.Refresh(a.Refresh); reason != "revoked" {
					t.Errorf("reuse: %q", reason)
				}
				if _, _, reason := s.Refresh(newest); reason != "revoked" {
					t.Errorf("the newest token afterwards: %q", reason)
				}
				s.ExpectNoSession(access, "revoked")
				s.ExpectMember(other, a.Email)
			})
		}
	})
}

// A retry is one only until the successor is used. Then a client with the older token may be a thief.
func TestRetryAfterTheSuccessorWasUsedIsReuse(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		a := s.SignUp(nil)
		_, next, _ := s.Refresh(a.Refresh)
		access, _, _ := s.Refresh(next)
		if _, _, reason := s.Refresh(a.Refresh); reason != "revoked" {
			t.Errorf("the token before the last: %q", reason)
		}
		s.ExpectNoSession(access, "revoked")
	})
}

// S13: 200 refreshes at once with one token get one successor, and no client is signed out.
func TestRefreshStorm(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		a := s.SignUp(nil)
		var wg sync.WaitGroup
		successors := make([]string, 200)
		for i := range successors {
			wg.Go(func() { _, successors[i], _ = s.Refresh(a.Refresh) })
		}
		wg.Wait()
		for _, next := range successors {
			if next == "" || next != successors[0] {
				t.Fatalf("two answers: %q and %q", next, successors[0])
			}
		}
		access, _, _ := s.Refresh(successors[0])
		s.ExpectMember(access, a.Email)
	})
}

// S15, S08: an altered token is refused, and does not affect the session that it names.
func TestAlteredRefreshTokensDoNoHarm(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		a := s.SignUp(nil)
		b := s.SignUp(nil)
		flip := func(i int) string {
			raw := []byte(a.Refresh)
			for raw[i] < 'A' || raw[i] == '_' { // a letter, whose case makes another token
				i++
			}
			raw[i] ^= 0x20
			return string(raw)
		}
		for name, token := range map[string]string{
			"empty": "", "truncated": a.Refresh[:len(a.Refresh)-1], "extended": a.Refresh + "A", "padded": a.Refresh + "==", "case": flip(40), "case of the tag": flip(70),
			"case of the session": flip(3), "another's end": a.Refresh[:40] + b.Refresh[40:], "an access token": a.Token, "garbage": strings.Repeat("A", len(a.Refresh)), "NUL": "\x00", "line breaks": strings.Repeat("\n", len(a.Refresh)), "huge": strings.Repeat("A", 50_000),
		} {
			if s.ByCookie && strings.Trim(token, "\x00\n") == "" {
				continue // such a cookie cannot exist
			}
			if _, _, reason := s.Refresh(token); reason != "invalid" {
				t.Errorf("%s: %q", name, reason)
			}
		}
		access, _, _ := s.Refresh(a.Refresh)
		s.ExpectMember(access, a.Email)
	})
}

// S16: a session that is not renewed ends. A session that is renewed ends too, at its absolute expiry.
func TestIdleAndAbsoluteExpiry(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t, "FREEHOLD_SESSION_IDLE=1h", "FREEHOLD_SESSION_LIFETIME=10h")
		idle, absolute := s.SignUp(nil), s.SignUp(nil)
		age := func(user string, hours int) {
			s.DB.Query(t, `UPDATE app.sessions SET idle_expires_at = idle_expires_at - make_interval(hours => $2), expires_at = expires_at - make_interval(hours => $2) WHERE user_id = $1`, user, hours)
		}
		age(idle.UserID, 1)
		if _, _, reason := s.Refresh(idle.Refresh); reason != "expired" {
			t.Errorf("after an idle hour: %q", reason)
		}
		token := absolute.Refresh
		for hour := range 10 {
			s.DB.Query(t, `UPDATE app.sessions SET idle_expires_at = now() + interval '1 minute', expires_at = expires_at - interval '1 hour' WHERE user_id = $1`, absolute.UserID)
			_, next, reason := s.Refresh(token)
			if hour < 9 && reason != "" || hour == 9 && reason != "expired" {
				t.Errorf("in hour %d: %q", hour, reason)
			}
			token = next
		}
	})
}

// S01: the refresh tokens of a session that signed out, and of a disabled account, are refused.
func TestRefreshAfterSignOut(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		a, b := s.SignUp(nil), s.SignUp(nil)
		s.Do(a.Token, `mutation { signOut { success } }`, nil)
		if _, _, reason := s.Refresh(a.Refresh); reason != "revoked" {
			t.Errorf("after signOut: %q", reason)
		}
		s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, b.UserID)
		if _, _, reason := s.Refresh(b.Refresh); reason != "invalid" {
			t.Errorf("of a disabled account: %q", reason)
		}
	})
}

// S19: a refresh that races a sign-out never leaves the session alive.
func TestRefreshRacingSignOut(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		s := start(t)
		for range 60 {
			a := s.SignUp(nil)
			var wg sync.WaitGroup
			var access, next string
			wg.Go(func() { access, next, _ = s.Refresh(a.Refresh) })
			wg.Go(func() { s.Do(a.Token, `mutation { signOut { success } }`, nil) })
			wg.Wait()
			if access != "" {
				s.ExpectNoSession(access, "revoked")
				if _, _, reason := s.Refresh(next); reason != "revoked" {
					t.Fatalf("the session survived: %q", reason)
				}
			}
		}
	})
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := s.Fetch("/.well-known/jwks.json")
	for _, want := range []string{`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"`, `"use":"sig","alg":"EdDSA"}]}`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the JWKS lacks %s: %s", want, r.Body)
		}
	}
	if strings.Contains(r.Body, `"d"`) || r.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("JWKS: %v %s", r.Header, r.Body)
	}
}
