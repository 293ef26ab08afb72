package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

const refreshMutation = `mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken refreshToken expiresAt } } }`

// refresh presents a refresh token and returns what it was exchanged for, or the reason why it was not.
func (s *service) refresh(token string) (access, next, reason string) {
	s.t.Helper()
	if s.byCookie {
		return s.refreshByCookie(token)
	}
	r := s.do("", refreshMutation, vars{"t": token})
	if len(r.Errors) > 0 {
		if r.code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, `"refreshSession":null`) {
			s.t.Errorf("a refusal that is not UNAUTHENTICATED: %s", r.Body)
		}
		return "", "", r.Errors[0].Extensions.Reason
	}
	var data struct {
		RefreshSession struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	r.into(s.t, &data)
	return data.RefreshSession.Tokens.AccessToken, data.RefreshSession.Tokens.RefreshToken, ""
}

// refreshByCookie is refresh for a browser whose access token is gone: any request renews the session.
func (s *service) refreshByCookie(token string) (access, next, reason string) {
	s.t.Helper()
	b := &browser{service: s, refresh: token}
	r := b.do(`mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`, nil)
	if b.access != "" {
		return b.access, b.refresh, ""
	}
	if r.code() != "UNAUTHENTICATED" || b.refresh != "" {
		s.t.Errorf("a refusal that is not UNAUTHENTICATED, or with a cookie left: %s", r.Body)
		return "", "", ""
	}
	return "", "", r.Errors[0].Extensions.Reason
}

type starter func(t testing.TB, further ...string) *service

// eachWay runs a test of refreshing with tokens in bodies, and with cookies.
func eachWay(t *testing.T, test func(t *testing.T, start starter)) {
	t.Helper()
	for name, byCookie := range map[string]bool{"tokens": false, "cookies": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t testing.TB, further ...string) *service {
				s := start(t, further...)
				s.byCookie = byCookie
				return s
			})
		})
	}
}

func (s *service) expectMember(token, email string) {
	s.t.Helper()
	if r := s.do(token, `{ me { email } }`, nil); !strings.Contains(r.Body, email) {
		s.t.Errorf("the session of %s is over: %s", email, r.Body)
	}
	b := &browser{service: s, access: token}
	if r := b.do(`{ me { email } }`, nil); !strings.Contains(r.Body, email) || b.access != token {
		s.t.Errorf("by its cookie the session of %s is over: %s", email, r.Body)
	}
}

// later makes as if the last rotation of each session was so long ago.
func (s *service) later(seconds int) {
	s.t.Helper()
	s.db.Query(s.t, `UPDATE app.sessions SET (rotated_at, last_used_at) = (rotated_at - make_interval(secs => $1), last_used_at - make_interval(secs => $1))`, seconds)
}

// S14: a reply that is lost, and a retry, are harmless within the grace.
func TestRefreshAndRetry(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		a := s.signUp(nil)
		access, next, _ := s.refresh(a.Refresh)
		s.expectMember(access, a.Email)
		if next == a.Refresh || next == "" {
			t.Errorf("the successor of a token is %q", next)
		}
		s.later(5)
		if _, again, reason := s.refresh(a.Refresh); again != next {
			t.Errorf("a retry gets another token (%s)", reason)
		}
		access, third, _ := s.refresh(next)
		s.expectMember(access, a.Email)
		if third == next || third == "" {
			t.Error("the chain does not go on")
		}
	})
}

// S12: reuse after the grace ends the session, newest token and access token included, and this is committed although
// the call fails; other sessions live on.
func TestReuseEndsTheSession(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		for name, rotations := range map[string]int{"the previous token": 1, "the one before it": 2} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				a := s.signUp(nil)
				other := s.signIn(a.Email)
				access, newest := "", a.Refresh
				for range rotations {
					access, newest, _ = s.refresh(newest)
				}
				s.later(60)
				if _, _, reason := s.refresh(a.Refresh); reason != "revoked" {
					t.Errorf("reuse: %q", reason)
				}
				if _, _, reason := s.refresh(newest); reason != "revoked" {
					t.Errorf("the newest token afterwards: %q", reason)
				}
				s.expectNobody(access, "revoked")
				s.expectMember(other, a.Email)
			})
		}
	})
}

// A retry counts as one only until the successor is used: whoever comes with the older token then may be a thief.
func TestRetryAfterTheSuccessorWasUsedIsReuse(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		a := s.signUp(nil)
		_, next, _ := s.refresh(a.Refresh)
		access, _, _ := s.refresh(next)
		if _, _, reason := s.refresh(a.Refresh); reason != "revoked" {
			t.Errorf("the token before the last: %q", reason)
		}
		s.expectNobody(access, "revoked")
	})
}

// S13: 200 refreshes at once with one token have one successor, and nobody is logged out.
func TestRefreshStorm(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		a := s.signUp(nil)
		var wg sync.WaitGroup
		successors := make([]string, 200)
		for i := range successors {
			wg.Go(func() { _, successors[i], _ = s.refresh(a.Refresh) })
		}
		wg.Wait()
		for _, next := range successors {
			if next == "" || next != successors[0] {
				t.Fatalf("two answers: %q and %q", next, successors[0])
			}
		}
		access, _, _ := s.refresh(successors[0])
		s.expectMember(access, a.Email)
	})
}

// S15, S08: what is not our token, letter by letter, is refused; and it does no harm to the session it names.
func TestAlteredRefreshTokensDoNoHarm(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		a := s.signUp(nil)
		b := s.signUp(nil)
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
			if s.byCookie && strings.Trim(token, "\x00\n") == "" {
				continue // there is no such cookie
			}
			if _, _, reason := s.refresh(token); reason != "invalid" {
				t.Errorf("%s: %q", name, reason)
			}
		}
		access, _, _ := s.refresh(a.Refresh)
		s.expectMember(access, a.Email)
	})
}

// S16: a session that is not renewed ends, and one that is ends as well, in its time.
func TestIdleAndAbsoluteExpiry(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t, "FREEHOLD_SESSION_IDLE=1h", "FREEHOLD_SESSION_LIFETIME=10h")
		idle, absolute := s.signUp(nil), s.signUp(nil)
		age := func(user string, hours int) {
			s.db.Query(t, `UPDATE app.sessions SET idle_expires_at = idle_expires_at - make_interval(hours => $2), expires_at = expires_at - make_interval(hours => $2) WHERE user_id = $1`, user, hours)
		}
		age(idle.UserID, 1)
		if _, _, reason := s.refresh(idle.Refresh); reason != "expired" {
			t.Errorf("after an idle hour: %q", reason)
		}
		token := absolute.Refresh
		for hour := range 10 {
			s.db.Query(t, `UPDATE app.sessions SET idle_expires_at = now() + interval '1 minute', expires_at = expires_at - interval '1 hour' WHERE user_id = $1`, absolute.UserID)
			_, next, reason := s.refresh(token)
			if hour < 9 && reason != "" || hour == 9 && reason != "expired" {
				t.Errorf("in hour %d: %q", hour, reason)
			}
			token = next
		}
	})
}

// S01: the refresh token of a session that was signed out is refused; so is that of a disabled account.
func TestRefreshAfterSignOut(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		a, b := s.signUp(nil), s.signUp(nil)
		s.do(a.Token, `mutation { signOut { success } }`, nil)
		if _, _, reason := s.refresh(a.Refresh); reason != "revoked" {
			t.Errorf("after signOut: %q", reason)
		}
		s.db.Query(t, `UPDATE app.credentials SET disabled_at = now() WHERE user_id = $1`, b.UserID)
		if _, _, reason := s.refresh(b.Refresh); reason != "invalid" {
			t.Errorf("of a disabled account: %q", reason)
		}
	})
}

// S19: a refresh that races a sign-out never leaves the session alive.
func TestRefreshRacingSignOut(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		s := start(t)
		for range 60 {
			a := s.signUp(nil)
			var wg sync.WaitGroup
			var access, next string
			wg.Go(func() { access, next, _ = s.refresh(a.Refresh) })
			wg.Go(func() { s.do(a.Token, `mutation { signOut { success } }`, nil) })
			wg.Wait()
			if access != "" {
				s.expectNobody(access, "revoked")
				if _, _, reason := s.refresh(next); reason != "revoked" {
					t.Fatalf("the session survived: %q", reason)
				}
			}
		}
	})
}

// R02: the server is killed at each step of a refresh: the client can go on with the token it has.
func TestServerKilledAtEachStepOfRefresh(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, start starter) {
		dir := t.TempDir() // one key for all
		s := start(t, "FREEHOLD_DATA_DIR="+dir)
		steps := 0
		for step := 1; step <= 10; step++ {
			a := s.signUp(nil)
			victim := startVictim(t, s.db, "app.refresh_session", step, dir)
			header, body := jsonHeader, asBody(t, refreshMutation, vars{"t": a.Refresh})
			if s.byCookie {
				b := browser{service: victim, refresh: a.Refresh}
				header, body = b.header(), asBody(t, `{ __typename }`, nil)
			}
			if r, err := victim.trySend(http.MethodPost, header, body); err == nil {
				if len(r.Errors) > 0 || s.byCookie && len(setCookies(r)) == 0 {
					t.Errorf("the surviving refresh failed: %s", r.Body)
				}
				break
			}
			steps++
			access, _, reason := s.refresh(a.Refresh)
			if reason != "" {
				t.Errorf("killed before statement %d: the client is logged out: %s", step, reason)
				continue
			}
			s.expectMember(access, a.Email)
		}
		if steps < 2 {
			t.Errorf("only %d steps were killed", steps)
		}
	})
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, header, body := s.fetch(http.MethodGet, s.url+"/.well-known/jwks.json")
	for _, want := range []string{`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"`, `"use":"sig","alg":"EdDSA"}]}`} {
		if !strings.Contains(body, want) {
			t.Errorf("the JWKS lacks %s: %s", want, body)
		}
	}
	if strings.Contains(body, `"d"`) || header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("JWKS: %v %s", header, body)
	}
}
