package sessions

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
	"github.com/google/go-cmp/cmp"
)

// A browser that asks for cookies gets two that scripts cannot read, and no token in any body.
func TestCookiesHoldTheSession(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:8080", "https://id.example"} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "FREEHOLD_PUBLIC_URL="+url, "FREEHOLD_SESSION_IDLE=10h")
			b, email := s.SignUpInBrowser()
			b.Expect("after signUp", email)
			b.Access, b.Refresh = "", ""
			r := b.SignIn(email)
			for _, token := range []string{b.Access, b.Refresh} {
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
			if claims := harness.DecodeClaims(t, b.Access); claims["iss"] != url || claims["aud"] == nil {
				t.Errorf("the cookie is not the access token that routers know: %v", claims)
			}
			b.Expect("after signIn", email)
		})
	}
}

// Absent and null mean TOKENS. Unknown transports are refused.
func TestTokensAreTheDefaultTransport(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	for name, session := range map[string]any{"absent": "", "null": nil, "named": "TOKENS"} {
		i := harness.Vars{"email": a.Email, "password": harness.Password, "session": session}
		if session == "" {
			delete(i, "session")
		}
		if r := s.Do("", harness.SignInMutation, harness.Vars{"i": i}); !strings.Contains(r.Body, `"accessToken":"ey`) || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	r := s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": a.Email, "password": harness.Password, "session": "cookie"}})
	if fields := r.Fields(); r.Code() != "BAD_USER_INPUT" || len(fields) != 1 || !strings.HasPrefix(fields[0], "input.session") {
		t.Errorf("another: %s", r.Body)
	}
}

// Requests renew a session once a third of the access token's life is left, and after its end.
func TestCookiesAreRenewedBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	b, email := s.SignUpInBrowser()
	first := *b
	c.Put(9 * time.Minute)
	if !b.Expect("after 9 minutes", email) {
		t.Error("renewed after 9 minutes")
	}
	c.Put(11 * time.Minute)
	if b.Expect("after 11 minutes", email) || b.Access == first.Access || b.Refresh == first.Refresh {
		t.Error("not renewed after 11 minutes")
	}
	if claims := harness.DecodeClaims(t, b.Access); claims["sid"] != harness.DecodeClaims(t, first.Access)["sid"] {
		t.Error("renewed to another session")
	}
	second := *b
	c.Put(2 * time.Hour)
	if b.Expect("after the token has expired", email) || b.Access == second.Access || b.Refresh == second.Refresh {
		t.Error("not renewed after its end")
	}
	for name, access := range map[string]string{"gone": "", "garbage": "garbage", "a stranger's": strings.Replace(b.Access, ".", ".A", 1)} {
		before := b.Refresh
		b.Access = access
		if b.Expect("an access token that is "+name, email) || b.Refresh == before {
			t.Errorf("not renewed: %s", name)
		}
	}
	b.Refresh = ""
	c.Put(2*time.Hour + 14*time.Minute)
	if !b.Expect("without a refresh token, until the end", email) {
		t.Error("something was set")
	}
	c.Put(2*time.Hour + 16*time.Minute)
	if b.Expect("without a refresh token", harness.SignedOut); b.Access != "" {
		t.Error("an expired cookie was not deleted")
	}
}

// S13, S14: 50 requests at once at expiry, from one cookie jar or from copies of it, get one successor, and none of them is
// signed out. A request within the grace period is served, even if its access token is gone.
func TestTabsDoNoHarm(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"before expiry": 12 * time.Minute, "after expiry": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c harness.Clock
			s := harness.StartAt(t, &c)
			b, email := s.SignUpInBrowser()
			c.Put(at)
			tabs := make([]harness.Browser, 50)
			var wg sync.WaitGroup
			for i := range tabs {
				tabs[i] = *b
				wg.Go(func() { tabs[i].Expect("one of many", email) })
			}
			wg.Wait()
			for i := range tabs {
				if tabs[i].Refresh != tabs[0].Refresh || tabs[i].Refresh == b.Refresh {
					t.Fatalf("tab %d has another session than the first, or the old one", i)
				}
			}
			other := *b // a jar without the new cookies
			s.AgeSessions(5)
			if other.Expect("another jar, later, within the grace", email); other.Refresh != tabs[0].Refresh {
				t.Error("it has another session")
			}
			c.Put(at + time.Hour)
			tabs[49].Expect("later", email)
		})
	}
}

// A request that the refresh of another overtakes is served by its access token, however late it arrives: it is not a theft.
// It gets no successor. Without a valid access token it is reuse, and revokes the session (S12).
func TestOvertakenRequestsDoNoHarm(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	b, email := s.SignUpInBrowser()
	overtaken := *b
	c.Put(12 * time.Minute)
	b.Expect("the quick one", email)
	s.AgeSessions(60)
	if !overtaken.Expect("the slow one", email) {
		t.Error("the slow one was given cookies")
	}
	b.Expect("the quick one's next", email)
	another, _ := s.SignUpInBrowser()
	mixed := harness.Browser{Service: s, Access: overtaken.Access, Refresh: another.Refresh}
	mixed.Expect("cookies of two sessions", harness.SignedOut)
	another.Expect("the one whose refresh token was tried", "@example.org")

	c.Put(time.Hour)
	if overtaken.Expect("the old cookies after the access token's end", harness.SignedOut); overtaken.Refresh != "" {
		t.Error("they were not deleted")
	}
	if b.Expect("the session", harness.SignedOut); b.Access+b.Refresh != "" {
		t.Error("its cookies were not deleted")
	}
}

// S01: signOut deletes the cookies, also those of an ended session. So does the next response after another client ended the
// session.
func TestSignOutDeletesCookies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b, email := s.SignUpInBrowser()
	old := *b
	if r := b.Do(`mutation { signOut { success } again: signOut { success } }`, nil); len(r.Errors) > 0 || b.Access+b.Refresh != "" {
		t.Errorf("signOut: %s %v", r.Body, r.Header)
	}
	s.ExpectNoSession(old.Access, "revoked")
	dead := old
	r := dead.Do(`mutation { signOut { success revokedSessionId } }`, nil)
	if string(r.Data) != `{"signOut":{"success":true,"revokedSessionId":null}}` || len(r.Errors) > 0 || dead.Access+dead.Refresh != "" {
		t.Errorf("signOut of an ended session: %s %v", r.Body, r.Header)
	}
	dead = harness.Browser{Service: s, Refresh: old.Refresh}
	if dead.Expect("only the refresh token is left", harness.SignedOut); dead.Refresh != "" {
		t.Error("it was not deleted")
	}
	b.SignIn(email)
	s.Do(s.SignIn(email), `mutation { revokeOtherSessions { count } }`, nil)
	if b.Expect("a session that was ended elsewhere", harness.SignedOut); b.Access+b.Refresh != "" {
		t.Error("its cookies were not deleted")
	}
}

// In one operation, the last signOut or signIn decides about the cookies.
func TestLastMutationDecidesAboutCookies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b, email := s.SignUpInBrowser()
	const out = ` signOut { success } `
	const in = ` signIn(input: $i) { user { email } } `
	sign := func(body string) harness.Reply {
		return b.Do(`mutation ($i: SignInInput!) {`+body+`}`, harness.Vars{"i": harness.Vars{"email": email, "password": harness.Password, "session": "COOKIE"}})
	}
	old := *b
	if r := sign(out + in); len(r.Errors) > 0 || b.Access == "" || b.Access == old.Access {
		t.Errorf("signOut, signIn: %s", r.Body)
	}
	b.Expect("signOut, signIn", email)
	old.Expect("the session before", harness.SignedOut)
	if r := sign(in + out); len(r.Errors) > 0 || b.Access+b.Refresh != "" {
		t.Errorf("signIn, signOut: %s %v", r.Body, r.Header)
	}
	if r := sign(in + out); len(r.Errors) > 0 { // signOut has the request's viewer, who has no session
		t.Errorf("signIn, signOut without a session: %s", r.Body)
	}
	b.Expect("signIn, and a signOut that had nothing to revoke", email)
}

// A Bearer token takes precedence over cookies, valid or not: the server neither reads nor changes them.
func TestAuthorizationWinsOverCookies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	b, email := s.SignUpInBrowser()
	for header, want := range map[string]string{"Bearer " + a.Token: a.Email, "Bearer garbage": harness.SignedOut, "bearer  " + a.Token + " ": a.Email} {
		asking := *b
		asking.From = http.Header{"Authorization": {header}}
		if !asking.Expect(header, want) {
			t.Error("cookies were touched")
		}
	}
	b.From = http.Header{"Authorization": {"Bearer " + a.Token}}
	if r := b.Do(`mutation { signOut { success } }`, nil); len(r.Errors) > 0 || b.Access == "" {
		t.Errorf("signing out by the header: %s", r.Body)
	}
	b.From = nil
	b.Expect("by the cookies afterwards", email)
}

// W03, W04: cookies work only for requests of the service's own origin, and of clients that are not browsers. A page of a
// configured origin uses tokens. Other pages can do nothing, even on the same site.
func TestCookiesAreForTheOwnOriginOnly(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	b, email := s.SignUpInBrowser()
	c.Put(12 * time.Minute) // a renewal is due
	from := func(site, origin string) harness.Browser {
		h := http.Header{}
		if site != "" {
			h.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			h.Set("Origin", origin)
		}
		return harness.Browser{Service: s, Access: b.Access, Refresh: b.Refresh, From: h}
	}
	for _, site := range []string{"cross-site", "same-site", ""} {
		configured := from(site, "https://app.example.org")
		if !configured.Expect("a configured origin, "+site, harness.NoMe) {
			t.Error("cookies were set or deleted")
		}
		if r := configured.SignIn(email); r.Code() != "FORBIDDEN" || len(harness.SetCookies(r)) > 0 || r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("asking for cookies from a configured origin, %s: %s %v", site, r.Body, r.Header)
		}
		other := from(site, "https://evil.example")
		for _, r := range []harness.Reply{other.Do(`mutation { signOut { success } }`, nil), other.SignIn(email)} {
			if r.Status != 403 || len(harness.SetCookies(r)) > 0 {
				t.Errorf("another origin, %s: %d %s", site, r.Status, r.Body)
			}
		}
	}
	for name, from := range map[string]harness.Browser{
		"same origin": from("same-origin", s.URL), "typed": from("none", ""), "a browser without Sec-Fetch-Site": from("", s.URL), "no browser": from("", ""),
	} {
		if from.Expect(name, email) || from.Refresh == b.Refresh {
			t.Errorf("%s: not renewed", name)
		}
	}
	plain := from("same-origin", s.URL)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded"} {
		h := plain.Header()
		h.Set("Content-Type", media)
		if r := s.Send(harness.Request{Header: h, Body: `{"query":"mutation { signOut { success } }"}`}); r.Status != 415 || len(harness.SetCookies(r)) > 0 {
			t.Errorf("%s: %d %s", media, r.Status, r.Body)
		}
	}
}

// No other route reads or sets a cookie, even if the session is due for renewal or has ended.
func TestCookiesAreForGraphQLOnly(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	b, _ := s.SignUpInBrowser()
	c.Put(12 * time.Minute)
	const hashes = `SELECT encode(refresh_hash, 'hex') FROM app.sessions`
	before := s.DB.Query(t, hashes)[0]
	for _, path := range []string{"/", "/healthz", "/readyz", "/.well-known/jwks.json", "/nothing"} {
		r := s.Send(harness.Request{Method: http.MethodGet, Path: path, Header: b.Header()})
		if r.Header.Get("Set-Cookie") != "" || s.DB.Query(t, hashes)[0] != before {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

// A23, S10: duplicate and too long cookies make the viewer anonymous.
func TestDuplicateAndHugeCookiesAreAnonymous(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b, _ := s.SignUpInBrowser()
	for name, cookies := range map[string][]string{
		"twice in a line": {"freehold=" + b.Access + "; freehold=" + b.Access}, "twice": {"freehold=" + b.Access, "freehold=" + b.Access},
		"with garbage": {"freehold=" + b.Access + "; freehold=garbage"}, "garbage first": {"freehold=garbage; freehold=" + b.Access},
		"refresh twice": {"freehold=" + b.Access + "; freehold-refresh=" + b.Refresh + "; freehold-refresh=" + b.Refresh},
		"empty":         {"freehold="}, "huge": {"freehold=" + b.Access + strings.Repeat("A", 4000)}, "huge refresh": {"freehold-refresh=" + b.Refresh + strings.Repeat("A", 4000)},
	} {
		r := s.Send(harness.Request{Header: http.Header{"Cookie": cookies}, Query: `mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`})
		if r.Code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != "invalid" || len(harness.SetCookies(r)) != 2 {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	for name, cookies := range map[string][]string{"another's": {"theme=dark"}, "of TLS": {"__Host-freehold=" + b.Access}, "other case": {"Freehold=" + b.Access}} {
		r := s.Send(harness.Request{Header: http.Header{"Cookie": cookies}, Query: `{ me { id } }`})
		if string(r.Data) != harness.NoMe || len(harness.SetCookies(r)) > 0 {
			t.Errorf("%s: %s %v", name, r.Body, r.Header)
		}
	}
	b.Expect("the session", "@example.org")
}

// R13: while the database does not answer, no client is signed out, neither by a look-up of the session nor by a renewal.
func TestNoClientIsSignedOutWithoutADatabase(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c, "FREEHOLD_REQUEST_TIMEOUT=5s")
	b, email := s.SignUpInBrowser()
	s.DB.Query(t, `ALTER ROLE freehold_app CONNECTION LIMIT -1`)
	name := s.DB.Query(t, `SELECT current_database()`)[0]
	s.DB.Query(t, `REVOKE CONNECT ON DATABASE `+name+` FROM freehold_app`)
	s.DB.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
	for _, at := range []time.Duration{0, 12 * time.Minute, time.Hour} {
		c.Put(at)
		if r := b.Do(`{ me { id } }`, nil); r.Code() != "UNAVAILABLE" || r.Status != 503 || len(harness.SetCookies(r)) > 0 {
			t.Errorf("after %v: %d %s %v", at, r.Status, r.Body, r.Header)
		}
	}
	s.DB.Query(t, `GRANT CONNECT ON DATABASE `+name+` TO freehold_app`)
	b.Expect("after the database is back", email)
}

// P17: the cookies are not in the log, the database or a body, before and after a renewal.
func TestCookiesAreNotKept(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	b, email := s.SignUpInBrowser()
	secrets := []string{b.Access, b.Refresh}
	c.Put(12 * time.Minute)
	body := b.Do(`{ me { email sessions { nodes { id device } } securityEvents { nodes { kind } } } }`, nil).Body
	b.Do(`{ me { nonsense } }`, nil)
	b.Do(`mutation { refreshSession(input: {refreshToken: "x"}) { tokens { accessToken } } }`, nil)
	secrets = append(secrets, b.Access, b.Refresh)
	b.Do(`mutation { signOut { success } }`, nil)
	log := s.Logs.String()
	dump := strings.Join(s.DB.Query(t, `SELECT (SELECT json_agg(x) FROM app.sessions x)::text || (SELECT json_agg(x) FROM app.security_events x)::text`), "")
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
