package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// browser is a client that is given a session in cookies. It has no more of one than its two tokens, so that a test can
// look at them and change them.
type browser struct {
	*service
	access, refresh string
	from            http.Header // what it says of where its requests come from
}

// header is that of the browser's next request.
func (b *browser) header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range b.from {
		h[name] = values
	}
	for name, value := range map[string]string{"freehold": b.access, "freehold-refresh": b.refresh} {
		if value != "" {
			h.Add("Cookie", b.prefix+name+"="+value)
		}
	}
	return h
}

// do sends an operation, and keeps and forgets cookies as the response says.
func (b *browser) do(query string, v vars) reply {
	b.t.Helper()
	r := b.send(http.MethodPost, b.header(), asBody(b.t, query, v))
	b.take(r)
	return r
}

func (b *browser) take(r reply) {
	for _, cookie := range setCookies(r) {
		if cookie.MaxAge < 0 {
			cookie.Value = ""
		}
		switch cookie.Name {
		case b.prefix + "freehold":
			b.access = cookie.Value
		case b.prefix + "freehold-refresh":
			b.refresh = cookie.Value
		}
	}
}

func setCookies(r reply) []*http.Cookie {
	return (&http.Response{Header: r.Header}).Cookies()
}

const signUpInCookies = `mutation ($i: SignUpInput!) { signUp(input: $i) { user { email } tokens { accessToken refreshToken } } }`

// signedUp is the browser of a new member.
func (s *service) signedUp() (*browser, string) {
	s.t.Helper()
	b := &browser{service: s}
	name := fmt.Sprintf("member-%d", serial.Add(1))
	email := name + "@example.org"
	r := b.do(signUpInCookies, vars{"i": vars{"email": email, "password": password, "username": name, "session": "COOKIE"}})
	if want := fmt.Sprintf(`{"signUp":{"user":{"email":%q},"tokens":null}}`, email); string(r.Data) != want || b.access == "" || b.refresh == "" {
		s.t.Fatalf("signing up with cookies: %s %v", r.Body, r.Header)
	}
	return b, email
}

// signIn starts another session in the browser.
func (b *browser) signIn(email string) reply {
	b.t.Helper()
	return b.do(signInMutation, vars{"i": vars{"email": email, "password": password, "session": "COOKIE"}})
}

func (b *browser) expect(what, want string) (untouched bool) {
	b.t.Helper()
	r := b.do(`{ me { email } }`, nil)
	data, code := want, ""
	if want == signedOut {
		data, code = nobody, "UNAUTHENTICATED"
	}
	if !strings.Contains(string(r.Data), data) || r.code() != code {
		b.t.Errorf("%s: %s, want %s", what, r.Body, want)
	}
	return len(setCookies(r)) == 0
}

const (
	nobody    = `{"me":null}` // what a client without a session gets
	signedOut = "signed out"  // what one gets whose session has ended
)

// A browser that asks for cookies gets two that scripts cannot read, and no token in any body.
func TestCookiesHoldTheSession(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:8080", "https://id.example"} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			s := start(t, "FREEHOLD_PUBLIC_URL="+url, "FREEHOLD_SESSION_IDLE=10h")
			b, email := s.signedUp()
			b.expect("after signUp", email)
			b.access, b.refresh = "", ""
			r := b.signIn(email)
			for _, token := range []string{b.access, b.refresh} {
				if strings.Contains(r.Body, token) || token == "" {
					t.Errorf("the body has a token, or there is none: %s", r.Body)
				}
			}
			want := map[string]string{"freehold": "; Path=/; Max-Age=900; HttpOnly; ", "freehold-refresh": "; Path=/; Max-Age=36000; HttpOnly; "}
			if strings.HasPrefix(url, "https") {
				want = map[string]string{"__Host-freehold": want["freehold"] + "Secure; ", "__Host-freehold-refresh": want["freehold-refresh"] + "Secure; "}
			}
			got := map[string]string{}
			for _, line := range r.Header.Values("Set-Cookie") {
				pair, attributes, _ := strings.Cut(line, ";")
				name, _, _ := strings.Cut(pair, "=")
				got[name] = ";" + strings.TrimSuffix(attributes, "SameSite=Strict")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if claims := decodeClaims(t, b.access); claims["iss"] != url || claims["aud"] == nil {
				t.Errorf("the cookie is not the access token that routers know: %v", claims)
			}
			b.expect("after signIn", email)
		})
	}
}

// Absent and null are TOKENS; what is no transport is refused.
func TestTokensAreTheDefaultTransport(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	for name, session := range map[string]any{"absent": "", "null": nil, "named": "TOKENS"} {
		i := vars{"email": a.Email, "password": password, "session": session}
		if session == "" {
			delete(i, "session")
		}
		if r := s.do("", signInMutation, vars{"i": i}); !strings.Contains(r.Body, `"accessToken":"ey`) || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	r := s.do("", signInMutation, vars{"i": vars{"email": a.Email, "password": password, "session": "cookie"}})
	if fields := r.fields(); r.code() != "BAD_USER_INPUT" || len(fields) != 1 || !strings.HasPrefix(fields[0], "input.session") {
		t.Errorf("another: %s", r.Body)
	}
}

// clock is a clock that a test puts forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) put(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

func startAt(t *testing.T, c *clock, further ...string) *service {
	return startWith(t, dbtest.New(t), bothWalls, app.Options{Now: c.now}, further...)
}

// A session is renewed with the requests, when a third of the access token's life is left, and after that.
func TestCookiesAreRenewedBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c)
	b, email := s.signedUp()
	first := *b
	c.put(9 * time.Minute)
	if !b.expect("after 9 minutes", email) {
		t.Error("renewed after 9 minutes")
	}
	c.put(11 * time.Minute)
	if b.expect("after 11 minutes", email) || b.access == first.access || b.refresh == first.refresh {
		t.Error("not renewed after 11 minutes")
	}
	if claims := decodeClaims(t, b.access); claims["sid"] != decodeClaims(t, first.access)["sid"] {
		t.Error("renewed to another session")
	}
	second := *b
	c.put(2 * time.Hour)
	if b.expect("after the token has expired", email) || b.access == second.access || b.refresh == second.refresh {
		t.Error("not renewed after its end")
	}
	for name, access := range map[string]string{"gone": "", "garbage": "garbage", "a stranger's": strings.Replace(b.access, ".", ".A", 1)} {
		before := b.refresh
		b.access = access
		if b.expect("an access token that is "+name, email) || b.refresh == before {
			t.Errorf("not renewed: %s", name)
		}
	}
	b.refresh = ""
	c.put(2*time.Hour + 14*time.Minute)
	if !b.expect("without a refresh token, until the end", email) {
		t.Error("something was set")
	}
	c.put(2*time.Hour + 16*time.Minute)
	if b.expect("without a refresh token", signedOut); b.access != "" {
		t.Error("a cookie that is over was not taken back")
	}
}

// S13, S14: 50 requests at once at expiry, from one jar or from copies of it in two, have one successor, and nobody is
// signed out; whoever comes within the grace is served, also with the access token gone.
func TestTabsDoNoHarm(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"before expiry": 12 * time.Minute, "after expiry": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c clock
			s := startAt(t, &c)
			b, email := s.signedUp()
			c.put(at)
			tabs := make([]browser, 50)
			var wg sync.WaitGroup
			for i := range tabs {
				tabs[i] = *b
				wg.Go(func() { tabs[i].expect("one of many", email) })
			}
			wg.Wait()
			for i := range tabs {
				if tabs[i].refresh != tabs[0].refresh || tabs[i].refresh == b.refresh {
					t.Fatalf("tab %d has another session than the first, or the old one", i)
				}
			}
			other := *b // a jar that has heard nothing of it
			s.later(5)
			if other.expect("another jar, later, within the grace", email); other.refresh != tabs[0].refresh {
				t.Error("it has another session")
			}
			c.put(at + time.Hour)
			tabs[49].expect("later", email)
		})
	}
}

// A request that is overtaken by the refresh of another is served by its access token, however late it comes: it was no
// theft. It gets no successor either. Without a token that counts it is reuse, and ends the session (S12).
func TestOvertakenRequestsDoNoHarm(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c)
	b, email := s.signedUp()
	overtaken := *b
	c.put(12 * time.Minute)
	b.expect("the quick one", email)
	s.later(60)
	if !overtaken.expect("the slow one", email) {
		t.Error("the slow one was given cookies")
	}
	b.expect("the quick one's next", email)
	another, _ := s.signedUp()
	mixed := browser{service: s, access: overtaken.access, refresh: another.refresh}
	mixed.expect("cookies of two sessions", signedOut)
	another.expect("the one whose refresh token was tried", "@example.org")

	c.put(time.Hour)
	if overtaken.expect("the old cookies after the access token's end", signedOut); overtaken.refresh != "" {
		t.Error("they were not taken back")
	}
	if b.expect("the session", signedOut); b.access+b.refresh != "" {
		t.Error("its cookies were not taken back")
	}
}

// S01: signOut takes the cookies back, those of a session that is over as well. So does the next response after a
// session was ended elsewhere.
func TestSignOutTakesCookiesBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	b, email := s.signedUp()
	old := *b
	if r := b.do(`mutation { signOut { success } again: signOut { success } }`, nil); len(r.Errors) > 0 || b.access+b.refresh != "" {
		t.Errorf("signOut: %s %v", r.Body, r.Header)
	}
	s.expectNobody(old.access, "revoked")
	dead := old
	r := dead.do(`mutation { signOut { success revokedSessionId } }`, nil)
	if string(r.Data) != `{"signOut":{"success":true,"revokedSessionId":null}}` || len(r.Errors) > 0 || dead.access+dead.refresh != "" {
		t.Errorf("signOut of a session that is over: %s %v", r.Body, r.Header)
	}
	dead = browser{service: s, refresh: old.refresh}
	if dead.expect("only the refresh token is left", signedOut); dead.refresh != "" {
		t.Error("it was not taken back")
	}
	b.signIn(email)
	s.do(s.signIn(email), `mutation { revokeOtherSessions { count } }`, nil)
	if b.expect("a session that was ended elsewhere", signedOut); b.access+b.refresh != "" {
		t.Error("its cookies were not taken back")
	}
}

// In one operation the last of signOut and signIn decides about the cookies.
func TestLastMutationDecidesAboutCookies(t *testing.T) {
	t.Parallel()
	s := start(t)
	b, email := s.signedUp()
	const out = ` signOut { success } `
	const in = ` signIn(input: $i) { user { email } } `
	sign := func(body string) reply {
		return b.do(`mutation ($i: SignInInput!) {`+body+`}`, vars{"i": vars{"email": email, "password": password, "session": "COOKIE"}})
	}
	old := *b
	if r := sign(out + in); len(r.Errors) > 0 || b.access == "" || b.access == old.access {
		t.Errorf("signOut, signIn: %s", r.Body)
	}
	b.expect("signOut, signIn", email)
	old.expect("the session before", signedOut)
	if r := sign(in + out); len(r.Errors) > 0 || b.access+b.refresh != "" {
		t.Errorf("signIn, signOut: %s %v", r.Body, r.Header)
	}
	if r := sign(in + out); len(r.Errors) > 0 { // signOut has the request's viewer, who had no session
		t.Errorf("signIn, signOut without a session: %s", r.Body)
	}
	b.expect("signIn, and a signOut that had nothing to revoke", email)
}

// A Bearer token wins over cookies, valid or not: the cookies are neither read nor changed.
func TestAuthorizationWinsOverCookies(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	b, email := s.signedUp()
	for header, want := range map[string]string{"Bearer " + a.Token: a.Email, "Bearer garbage": signedOut, "bearer  " + a.Token + " ": a.Email} {
		asking := *b
		asking.from = http.Header{"Authorization": {header}}
		if !asking.expect(header, want) {
			t.Error("cookies were touched")
		}
	}
	b.from = http.Header{"Authorization": {"Bearer " + a.Token}}
	if r := b.do(`mutation { signOut { success } }`, nil); len(r.Errors) > 0 || b.access == "" {
		t.Errorf("signing out by the header: %s", r.Body)
	}
	b.from = nil
	b.expect("by the cookies afterwards", email)
}

// W03, W04: cookies count for requests of the service's own origin alone, and of clients that are no browser. A page of
// a configured origin uses tokens; no other page gets anything done, be it of the same site.
func TestCookiesAreForTheOwnOriginOnly(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	b, email := s.signedUp()
	c.put(12 * time.Minute) // a renewal is due
	from := func(site, origin string) browser {
		h := http.Header{}
		if site != "" {
			h.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			h.Set("Origin", origin)
		}
		return browser{service: s, access: b.access, refresh: b.refresh, from: h}
	}
	for _, site := range []string{"cross-site", "same-site", ""} {
		configured := from(site, "https://app.example.org")
		if !configured.expect("a configured origin, "+site, nobody) {
			t.Error("cookies were set or taken back")
		}
		if r := configured.signIn(email); r.code() != "FORBIDDEN" || len(setCookies(r)) > 0 || r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("asking for cookies from a configured origin, %s: %s %v", site, r.Body, r.Header)
		}
		other := from(site, "https://evil.example")
		for _, r := range []reply{other.do(`mutation { signOut { success } }`, nil), other.signIn(email)} {
			if r.Status != 403 || len(setCookies(r)) > 0 {
				t.Errorf("another origin, %s: %d %s", site, r.Status, r.Body)
			}
		}
	}
	for name, from := range map[string]browser{
		"same origin": from("same-origin", s.url), "typed": from("none", ""), "a browser without Sec-Fetch-Site": from("", s.url), "no browser": from("", ""),
	} {
		if from.expect(name, email) || from.refresh == b.refresh {
			t.Errorf("%s: not renewed", name)
		}
	}
	plain := from("same-origin", s.url)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded"} {
		h := plain.header()
		h.Set("Content-Type", media)
		if r := s.send(http.MethodPost, h, `{"query":"mutation { signOut { success } }"}`); r.Status != 415 || len(setCookies(r)) > 0 {
			t.Errorf("%s: %d %s", media, r.Status, r.Body)
		}
	}
}

// No other route reads a cookie or sets one, not even with a session that is due or over.
func TestCookiesAreForGraphQLOnly(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c)
	b, _ := s.signedUp()
	c.put(12 * time.Minute)
	const hashes = `SELECT encode(refresh_hash, 'hex') FROM app.sessions`
	before := s.db.Query(t, hashes)[0]
	for _, path := range []string{"/", "/healthz", "/readyz", "/.well-known/jwks.json", "/nothing"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = b.header()
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.Header.Get("Set-Cookie") != "" || s.db.Query(t, hashes)[0] != before {
			t.Errorf("%s: %v", path, response.Header)
		}
	}
}

// A23, S10: cookies that are there twice, or too long, are nobody's.
func TestDoubledAndHugeCookiesAreNobody(t *testing.T) {
	t.Parallel()
	s := start(t)
	b, _ := s.signedUp()
	for name, cookies := range map[string][]string{
		"twice in a line": {"freehold=" + b.access + "; freehold=" + b.access}, "twice": {"freehold=" + b.access, "freehold=" + b.access},
		"with garbage": {"freehold=" + b.access + "; freehold=garbage"}, "garbage first": {"freehold=garbage; freehold=" + b.access},
		"refresh twice": {"freehold=" + b.access + "; freehold-refresh=" + b.refresh + "; freehold-refresh=" + b.refresh},
		"empty":         {"freehold="}, "huge": {"freehold=" + b.access + strings.Repeat("A", 4000)}, "huge refresh": {"freehold-refresh=" + b.refresh + strings.Repeat("A", 4000)},
	} {
		r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Cookie": cookies}, asBody(t, `mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`, nil))
		if r.code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != "invalid" || len(setCookies(r)) != 2 {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	for name, cookies := range map[string][]string{"another's": {"theme=dark"}, "of TLS": {"__Host-freehold=" + b.access}, "other case": {"Freehold=" + b.access}} {
		r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Cookie": cookies}, asBody(t, `{ me { id } }`, nil))
		if string(r.Data) != nobody || len(setCookies(r)) > 0 {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	b.expect("the session", "@example.org")
}

// R13: while the database does not answer nobody is signed out, neither where a session is only looked up nor where a
// renewal is due.
func TestNobodyIsSignedOutWithoutADatabase(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c, "FREEHOLD_REQUEST_TIMEOUT=5s")
	b, email := s.signedUp()
	s.db.Query(t, `ALTER ROLE freehold_app CONNECTION LIMIT -1`)
	name := s.db.Query(t, `SELECT current_database()`)[0]
	s.db.Query(t, `REVOKE CONNECT ON DATABASE `+name+` FROM freehold_app`)
	s.db.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
	for _, at := range []time.Duration{0, 12 * time.Minute, time.Hour} {
		c.put(at)
		if r := b.do(`{ me { id } }`, nil); r.code() != "UNAVAILABLE" || r.Status != 503 || len(setCookies(r)) > 0 {
			t.Errorf("after %v: %d %s %v", at, r.Status, r.Body, r.Header)
		}
	}
	s.db.Query(t, `GRANT CONNECT ON DATABASE `+name+` TO freehold_app`)
	b.expect("after the database is back", email)
}

// P17: neither cookie is in the log, nor in the database, nor in any body, before and after a renewal.
func TestCookiesAreNotKept(t *testing.T) {
	t.Parallel()
	var c clock
	s := startAt(t, &c)
	b, email := s.signedUp()
	secrets := []string{b.access, b.refresh}
	c.put(12 * time.Minute)
	body := b.do(`{ me { email sessions { nodes { id device } } securityEvents { nodes { kind } } } }`, nil).Body
	b.do(`{ me { nonsense } }`, nil)
	b.do(`mutation { refreshSession(input: {refreshToken: "x"}) { tokens { accessToken } } }`, nil)
	secrets = append(secrets, b.access, b.refresh)
	b.do(`mutation { signOut { success } }`, nil)
	log := s.logs.String()
	dump := strings.Join(s.db.Query(t, `SELECT (SELECT json_agg(x) FROM app.sessions x)::text || (SELECT json_agg(x) FROM app.security_events x)::text`), "")
	for _, secret := range secrets {
		signature := secret[len(secret)-40:]
		for place, text := range map[string]string{"the log": log, "the database": dump, "a body": body} {
			if strings.Contains(text, signature) {
				t.Errorf("a cookie is in %s", place)
			}
		}
	}
	if !strings.Contains(log, `"operation":"mutation "`) || !strings.Contains(body, email) {
		t.Error("there is nothing to look at, so it proves nothing")
	}
}
