package sessions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// W16: cookies are used beside an empty Authorization and beside other schemes, such as the Basic of a proxy in front of a
// staging server. Only a Bearer token replaces them.
func TestOtherAuthorizationLeavesTheCookies(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	b, email := s.SignUpInBrowser()
	other := s.SignUp(nil)
	c.Put(12 * time.Minute) // a renewal is due, and happens
	for name, values := range map[string][]string{
		"Basic": {"Basic c3RhZ2luZzpzZWNyZXQ="}, "empty": {""}, "spaces": {"  "}, "Bearer without a token": {"Bearer"}, "and with a space": {"Bearer "},
		"Bearer with a tab": {"Bearer\t"}, "Digest": {`Digest username="x"`}, "a scheme like it": {"BearerToken x"}, "Negotiate and Basic": {"Negotiate", "Basic eDp5"},
	} {
		asking := *b
		asking.From = http.Header{"Authorization": values}
		if asking.Expect(name, email) || asking.Access == b.Access {
			t.Errorf("%s: the session was not renewed", name)
		}
		if r := s.Send(harness.Request{Header: http.Header{"Authorization": values}, Query: `{ me { id } }`}); string(r.Data) != harness.NoMe || len(r.Errors) > 0 || r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s, without cookies: %s %v", name, r.Body, r.Header)
		}
	}
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Basic c3RhZ2luZzpzZWNyZXQ=", "Bearer " + s.SignIn(other.Email)}}
	if r := s.Send(harness.Request{Header: header, Query: `{ me { email } }`}); !strings.Contains(r.Body, other.Email) {
		t.Errorf("Basic and Bearer: %s", r.Body)
	}
}

// W17: the reply to every operation reports an invalid token, even if the operation does not select the viewer, is refused,
// or fails. Public fields have their values. Without a token nothing is reported.
func TestInvalidTokensAreReportedOnEveryReply(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	revoked := s.SignIn(a.Email)
	s.Do(revoked, `mutation { signOut { success } }`, nil)
	expired := a.Token
	c.Put(20 * time.Minute)
	live := s.SignIn(a.Email)
	reported := func(name, reason string, r harness.Reply) {
		t.Helper()
		challenge := r.Header.Get("WWW-Authenticate")
		if (challenge != "") != (reason != "") || reason != "" && !strings.HasPrefix(challenge, `Bearer error="invalid_token", error_description="`) {
			t.Errorf("%s with a token that is %q: %s %q", name, reason, r.Body, challenge)
		}
	}
	for reason, token := range map[string]string{"expired": expired, "revoked": revoked, "invalid": "garbage", "": ""} {
		if reason == "revoked" {
			c.Put(0) // else it would be expired as well
		} else {
			c.Put(20 * time.Minute)
		}
		for name, x := range map[string]struct{ query, want string }{
			"me":                  {`{ me { id } }`, map[bool]string{true: "UNAUTHENTICATED", false: ""}[token != ""]},
			"a public field":      {`{ profile(username: "` + a.Username + `") { username } }`, ""},
			"no field of ours":    {`{ __typename }`, ""},
			"syntax":              {`{`, "GRAPHQL_PARSE_FAILED"},
			"validation":          {`{ nope }`, "GRAPHQL_VALIDATION_FAILED"},
			"variables":           {`query ($u: String!) { profile(username: $u) { id } }`, "BAD_USER_INPUT"},
			"cost":                {`{ profiles(first: 100000) { nodes { id } } }`, "OPERATION_TOO_COSTLY"},
			"a wrong password":    {`mutation { signIn(input: {email: "` + a.Email + `", password: "wrong"}) { user { id } } }`, "INVALID_CREDENTIALS"},
			"signing out":         {`mutation { signOut { success } }`, ""},
			"an owner-only field": {`{ profile(username: "` + a.Username + `") { birthday } }`, "UNAUTHENTICATED"},
		} {
			r := s.Do(token, x.query, nil)
			reported(name, reason, r)
			if r.Code() != x.want {
				t.Errorf("%s with a token that is %q: %s, want %s", name, reason, r.Body, x.want)
			}
			if x.want == "UNAUTHENTICATED" && reason != "" && r.Errors[0].Extensions.Reason != reason {
				t.Errorf("%s with a token that is %q: %s", name, reason, r.Body)
			}
		}
	}
	for name, body := range map[string]string{
		"an unknown hash": `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + strings.Repeat("0", 64) + `"}}}`,
		"no request":      `{`, "a batch": `[]`, "too much": `{"query": "` + strings.Repeat("#", 200_000) + `"}`,
	} {
		reported(name, "invalid", s.Send(harness.Request{Token: "garbage", Body: body}))
		reported(name, "", s.Send(harness.Request{Body: body}))
	}
	reported("another method", "invalid", s.Send(harness.Request{Method: http.MethodDelete, Token: "garbage"}))
	c.Put(20 * time.Minute)
	if r := s.Do(live, `{ me { email } }`, nil); r.Header.Get("WWW-Authenticate") != "" || len(r.Errors) > 0 {
		t.Errorf("a valid token: %s %v", r.Body, r.Header)
	}
}

const signOutOf = `mutation ($t: String) { signOut(input: {refreshToken: $t}) { success revokedSessionId } }`

// A client whose access token has expired can sign out with any refresh token of the session. This revokes only the session
// of the token. A text that is not one of our tokens revokes nothing, and is not an error.
func TestSignOutByRefreshToken(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c)
	a := s.SignUp(nil)
	other := s.SignIn(a.Email)
	sid := func(token string) string { return harness.DecodeClaims(t, token)["sid"].(string) }
	_, newest, _ := s.Refresh(a.Refresh)
	c.Put(20 * time.Minute)
	for name, token := range map[string]any{"none": nil, "empty": "", "garbage": "garbage", "altered": harness.Alter(newest), "an access token": a.Token} {
		if r := s.Do("", signOutOf, harness.Vars{"t": token}); string(r.Data) != `{"signOut":{"success":true,"revokedSessionId":null}}` || len(r.Errors) > 0 {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	if n := s.Count("sessions WHERE revoked_at IS NOT NULL"); n != "0" {
		t.Fatalf("%s sessions have ended", n)
	}
	r := s.Do("", signOutOf, harness.Vars{"t": a.Refresh}) // replaced by newest
	if want := `{"signOut":{"success":true,"revokedSessionId":"` + sid(a.Token) + `"}}`; string(r.Data) != want || len(r.Errors) > 0 {
		t.Fatalf("an old refresh token: %s, want %s", r.Body, want)
	}
	if _, _, reason := s.Refresh(newest); reason != "revoked" {
		t.Errorf("the session continues: %q", reason)
	}
	if r := s.Do("", signOutOf, harness.Vars{"t": newest}); string(r.Data) != `{"signOut":{"success":true,"revokedSessionId":null}}` {
		t.Errorf("again: %s", r.Body)
	}
	c.Put(0)
	if r := s.Do(other, `{ me { securityEvents(first: 1) { nodes { kind } } } }`, nil); !strings.Contains(r.Body, "SIGNED_OUT") {
		t.Errorf("the other session, or the event: %s", r.Body)
	}
	if r := s.Do(other, `mutation { signOut { revokedSessionId } }`, nil); string(r.Data) != `{"signOut":{"revokedSessionId":"`+sid(other)+`"}}` {
		t.Errorf("by its access token: %s", r.Body)
	}
}
