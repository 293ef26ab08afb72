package sessions

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// as sends an operation with a User-Agent.
func as(s *harness.Service, device, token, query string) harness.Reply {
	s.T.Helper()
	return s.Send(harness.Request{Header: http.Header{"User-Agent": {device}}, Token: token, Query: query})
}

// signInFrom starts a session on a device and returns its access token.
func signInFrom(s *harness.Service, device, email string) string {
	s.T.Helper()
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	as(s, device, "", `mutation { signIn(input: {email: "`+email+`", password: "`+harness.Password+`"}) { tokens { accessToken } } }`).Into(s.T, &data)
	return data.SignIn.Tokens.AccessToken
}

type sessionList struct {
	Me struct {
		Sessions struct {
			Nodes []struct {
				ID, Device, IP, CreatedAt, LastUsedAt, ExpiresAt string
				Current                                          bool
			}
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
}

func sessions(s *harness.Service, token string) (list sessionList) {
	s.T.Helper()
	s.Do(token, `{ me { sessions { nodes { id device ip createdAt lastUsedAt expiresAt current } } } }`, nil).Into(s.T, &list)
	return list
}

const (
	revokeSession = `mutation ($id: ID!) { revokeSession(input: {id: $id}) { revokedSessionId user { id } } }`
	revokeOthers  = `mutation { revokeOtherSessions { count revokedSessionIds user { id } } }`
)

// S18: members see their own live sessions, newest first, with where they were used, and no token or hash.
func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	another := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	phone := signInFrom(s, "Phone\u200b/1.0 \u202eevil "+strings.Repeat("x", 500), a.Email)
	if list := sessions(s, phone).Me.Sessions.Nodes; len(list) != 2 || !list[0].Current || list[1].Current {
		t.Fatalf("sessions: %+v", list)
	} else if d := list[0].Device; !strings.HasPrefix(d, "Phone/1.0 evil xxx") || len(d) != 200 || list[0].IP != "127.0.0.1" {
		t.Errorf("the newest is of %q at %q", d, list[0].IP)
	}
	r := s.Do(phone, `{ me { sessions(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } } }`, nil)
	var page sessionList
	r.Into(t, &page)
	if !page.Me.Sessions.PageInfo.HasNextPage {
		t.Errorf("the first page: %s", r.Body)
	}
	r = s.Do(phone, `query ($after: String) { me { sessions(first: 5, after: $after) { nodes { id current } pageInfo { hasNextPage hasPreviousPage } } } }`, harness.Vars{"after": page.Me.Sessions.PageInfo.EndCursor})
	if !strings.Contains(r.Body, `"current":false}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true}`) {
		t.Errorf("the second page: %s", r.Body)
	}
	if r := s.Do(phone, `{ me { sessions(first: 0) { nodes { id } } securityEvents(last: 101) { nodes { id } } } }`, nil); r.Code() != "BAD_USER_INPUT BAD_USER_INPUT" {
		t.Errorf("pages of wrong sizes: %s", r.Body)
	}
	for who, token := range map[string]string{"FORBIDDEN": another.Token, "UNAUTHENTICATED": ""} {
		r := s.Do(token, `{ profile(username: "`+a.Username+`") { user { sessions { nodes { id } } } } }`, nil)
		if r.Code() != who || !strings.Contains(r.Body, `"sessions":null`) {
			t.Errorf("another user's sessions: %s", r.Body)
		}
	}
}

// P13: behind a trusted proxy, the proxy says which client it is, for the list of sessions and for the limits.
func TestClientsBehindAProxy(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32", "FREEHOLD_RATE_LIMIT=on")
	direct := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	a := s.SignUp(nil)
	from := func(s *harness.Service, forwarded string) harness.Reply {
		return s.Send(harness.Request{Header: http.Header{"X-Forwarded-For": {forwarded}}, Query: fmt.Sprintf(`mutation { signIn(input: {email: %q, password: %q}) { user { sessions(first: 1) { nodes { ip } } } } }`, a.Email, harness.Password)})
	}
	for forwarded, want := range map[string]string{"6.6.6.6, 198.51.100.7": "198.51.100.7", "2001:db8:1:2:3::4": "2001:db8:1:2:3::4"} {
		if r := from(s, forwarded); !strings.Contains(r.Body, `"ip":"`+want+`"`) {
			t.Errorf("%s: %s, want %s", forwarded, r.Body, want)
		}
		if r := from(direct, forwarded); !strings.Contains(r.Body, `"ip":"127.0.0.1"`) {
			t.Errorf("%s, from an untrusted client: %s", forwarded, r.Body)
		}
	}
	d.Query(t, `UPDATE app.rate_limits SET hits = 100 WHERE bucket = 'signIn 198.51.100.7/32' OR bucket = 'signIn 2001:db8:1:2::/64'`)
	for forwarded, want := range map[string]string{
		"198.51.100.7": "RATE_LIMITED", "::ffff:198.51.100.7": "RATE_LIMITED", "198.51.100.8, 198.51.100.7": "RATE_LIMITED", "198.51.100.8": "",
		"2001:db8:1:2:ffff::1": "RATE_LIMITED", "2001:db8:1:3::1": "",
	} {
		if r := from(s, forwarded); r.Code() != want {
			t.Errorf("%s: %s, want %q", forwarded, r.Body, want)
		}
	}
}

// revokeSession immediately revokes one of your own sessions. An ended session, or another user's, is not found.
func TestSessionsAreRevoked(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, another := s.SignUp(nil), s.SignUp(nil)
	laptop, phone := a.Token, signInFrom(s, "Phone", a.Email)
	id := sessions(s, phone).Me.Sessions.Nodes[1].ID // the laptop's
	for name, c := range map[string]struct{ token, id, code string }{
		"another's": {another.Token, id, "NOT_FOUND"}, "missing": {another.Token, "3b241101-e2bb-4255-8caf-4136c566a962", "NOT_FOUND"},
		"anonymous": {"", id, "UNAUTHENTICATED"}, "malformed": {phone, "x", "BAD_USER_INPUT"}, "a user's": {phone, a.UserID, "NOT_FOUND"},
	} {
		if r := s.Do(c.token, revokeSession, harness.Vars{"id": c.id}); r.Code() != c.code {
			t.Errorf("%s: %s, want %s", name, r.Body, c.code)
		}
	}
	if r := s.Do(laptop, `{ me { id } }`, nil); !strings.Contains(r.Body, a.UserID) {
		t.Fatalf("a refused revocation has ended the session: %s", r.Body)
	}
	if r := s.Do(phone, revokeSession, harness.Vars{"id": id}); len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	if r := s.Do(laptop, `mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`, nil); r.Code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != "revoked" {
		t.Errorf("the revoked session: %s", r.Body)
	}
	if r := s.Do(phone, revokeSession, harness.Vars{"id": id}); r.Code() != "NOT_FOUND" {
		t.Errorf("revoked again: %s", r.Body)
	}
	if list := sessions(s, phone).Me.Sessions.Nodes; len(list) != 1 || !list[0].Current {
		t.Errorf("what is left: %+v", list)
	}
}

func TestOtherSessionsAreRevoked(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, another := s.SignUp(nil), s.SignUp(nil)
	phone, tablet := signInFrom(s, "Phone", a.Email), signInFrom(s, "Tablet", a.Email)
	if r := s.Do("", revokeOthers, nil); r.Code() != "UNAUTHENTICATED" {
		t.Errorf("by an anonymous viewer: %s", r.Body)
	}
	for _, want := range []string{`"count":2,`, `"count":0,"revokedSessionIds":[],`} {
		if r := s.Do(phone, revokeOthers, nil); !strings.Contains(r.Body, want) {
			t.Errorf("%s, want %s", r.Body, want)
		}
	}
	for token, want := range map[string]string{a.Token: `{"me":null}`, tablet: `{"me":null}`, phone: `{"me":{"id":"` + a.UserID + `"}}`, another.Token: `{"me":{"id":"` + another.UserID + `"}}`} {
		if r := s.Do(token, `{ me { id } }`, nil); string(r.Data) != want {
			t.Errorf("%s, want %s", r.Body, want)
		}
	}
	if r := s.Do("", `mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken } } }`, harness.Vars{"t": a.Refresh}); r.Code() != "UNAUTHENTICATED" {
		t.Errorf("the refresh token of a revoked session: %s", r.Body)
	}
}

// Only the owner sees the security events of an account, with the client of each.
func TestSecurityEventsAreListed(t *testing.T) {
	t.Parallel()
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, "FREEHOLD_REFRESH_GRACE=0s")
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	const refresh = `mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken } } }`
	s.Do("", refresh, harness.Vars{"t": a.Refresh})
	s.Do("", refresh, harness.Vars{"t": a.Refresh}) // again, too late: its session has ended
	tablet := signInFrom(s, "Tablet", a.Email)
	as(s, "Tablet", tablet, `mutation { signOut { success } }`)
	phone, laptop := signInFrom(s, "Phone", a.Email), signInFrom(s, "Laptop", a.Email)
	as(s, "Laptop", laptop, `mutation { revokeSession(input: {id: "`+sessions(s, phone).Me.Sessions.Nodes[1].ID+`"}) { revokedSessionId } }`)
	phone = signInFrom(s, "Phone", a.Email)
	as(s, "Phone", phone, `mutation { revokeOtherSessions { count } }`)
	const query = `{ me { securityEvents { nodes { id kind createdAt device ip } } } }`
	var data struct {
		Me struct {
			SecurityEvents struct {
				Nodes []struct{ Kind, Device, IP string }
			}
		}
	}
	s.Do(phone, query, nil).Into(t, &data)
	var got []string
	for _, e := range data.Me.SecurityEvents.Nodes {
		device, _, _ := strings.Cut(e.Device, "/")
		got = append(got, e.Kind+" "+device)
		if e.IP != "127.0.0.1" {
			t.Errorf("%s was done from %q", e.Kind, e.IP)
		}
	}
	slices.Reverse(got)
	want := []string{
		"SIGNED_UP Go-http-client", "REFRESH_TOKEN_REUSED Go-http-client", "SIGNED_IN Tablet", "SIGNED_OUT Tablet", "SIGNED_IN Phone", "SIGNED_IN Laptop",
		"SESSION_REVOKED Laptop", "SIGNED_IN Phone", "OTHER_SESSIONS_REVOKED Phone",
	}
	if !slices.Equal(got, want) {
		t.Errorf("events:\n got %v\nwant %v", got, want)
	}
	another := s.SignUp(nil)
	if r := s.Do(another.Token, `{ profile(username: "`+a.Username+`") { user { securityEvents { nodes { kind } } } } }`, nil); r.Code() != "FORBIDDEN" {
		t.Errorf("another's events: %s", r.Body)
	}
	if r := s.Do(another.Token, query, nil); strings.Contains(r.Body, "Tablet") || strings.Count(r.Body, `"kind"`) != 1 {
		t.Errorf("the owner's events: %s", r.Body)
	}
}
