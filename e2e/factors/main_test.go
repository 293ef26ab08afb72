// Package factors proves over HTTP how accounts get and use a second factor: authenticator apps and recovery codes, in a sign-in and
// within a session.
package factors

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// Operations of second factors. Those with an input take $i.
const (
	start   = `mutation { startTotp { secret uri continuationToken expiresAt } }`
	finish  = `mutation ($i: FinishTotpInput!) { finishTotp(input: $i) { recoveryCodes credential { id kind name lastUsedAt } user { recoveryCodesLeft reauthenticatedUntil } } }`
	signIn  = `mutation ($i: SignInInput!) { signIn(input: $i) { user { id } tokens { accessToken refreshToken } secondFactor { continuationToken factors expiresAt } } }`
	second  = `mutation ($i: FinishSecondFactorInput!) { finishSecondFactor(input: $i) { user { id } tokens { accessToken refreshToken } } }`
	renew   = `mutation { createRecoveryCodes { recoveryCodes user { recoveryCodesLeft } } }`
	left    = `{ me { recoveryCodesLeft } }`
	list    = `{ me { credentials { id kind name } } }`
	removal = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { removedCredentialId user { credentials { kind } } } }`
)

// client is a client of a service that holds its session in cookies, or as tokens.
type client struct {
	*harness.Service
	browser        *harness.Browser // nil for tokens
	token, refresh string
}

// inEachWay runs a test with clients of both kinds.
func inEachWay(t *testing.T, test func(t *testing.T, of func(*harness.Service) *client)) {
	t.Helper()
	t.Run("tokens", func(t *testing.T) {
		t.Parallel()
		test(t, func(s *harness.Service) *client { return &client{Service: s} })
	})
	t.Run("cookies", func(t *testing.T) {
		t.Parallel()
		test(t, func(s *harness.Service) *client { return &client{Service: s, browser: &harness.Browser{Service: s}} })
	})
}

// do sends an operation.
func (c *client) do(query string, v harness.Vars) harness.Reply {
	c.T.Helper()
	if c.browser != nil {
		return c.browser.Do(query, v)
	}
	return c.Do(c.token, query, v)
}

// must is do for an operation that must succeed, and reads the value of its only field.
func (c *client) must(query string, v harness.Vars) payload {
	c.T.Helper()
	r := c.do(query, v)
	if len(r.Errors) > 0 {
		c.T.Fatalf("%s %v: %s", query, v, r.Body)
	}
	return read(c.T, r)
}

// payload has the fields of all payloads that the tests read.
type payload struct {
	Secret, URI, ContinuationToken string
	RecoveryCodes                  []string
	Credential                     struct{ ID, Kind, Name, LastUsedAt string }
	User                           struct {
		ID, ReauthenticatedUntil string
		RecoveryCodesLeft        *int
		Credentials              []struct{ ID, Kind, Name string }
	}
	Tokens       struct{ AccessToken, RefreshToken string }
	SecondFactor *struct {
		ContinuationToken string
		Factors           []string
		ExpiresAt         time.Time
	}
}

// read decodes the only field of a reply.
func read(t testing.TB, r harness.Reply) payload {
	t.Helper()
	var data map[string]payload
	r.Into(t, &data)
	for _, p := range data {
		return p
	}
	t.Fatalf("a reply without a field: %s", r.Body)
	return payload{}
}

// take keeps the tokens of a session that a payload has. Cookies are in the browser.
func (c *client) take(p payload) {
	c.T.Helper()
	if c.browser != nil {
		if p.Tokens.AccessToken != "" {
			c.T.Errorf("a browser got tokens: %+v", p)
		}
		c.token, c.refresh = c.browser.Access, c.browser.Refresh
		return
	}
	c.token, c.refresh = p.Tokens.AccessToken, p.Tokens.RefreshToken
}

// input returns the variables of an operation that starts a session.
func (c *client) input(pairs ...any) harness.Vars {
	v := harness.Input(pairs...)
	if c.browser != nil {
		v["i"].(harness.Vars)["session"] = "COOKIE"
	}
	return v
}

// signUp signs up a new member, who then uses this client.
func (c *client) signUp() (email string) {
	c.T.Helper()
	name := fmt.Sprintf("member-%d", harness.Serial.Add(1))
	c.take(c.must(`mutation ($i: SignUpInput!) { signUp(input: $i) { user { id } tokens { accessToken refreshToken } } }`,
		c.input("email", name+"@example.org", "password", harness.Password, "username", name)))
	return name + "@example.org"
}

// member is an account with an authenticator app.
type member struct {
	email    string
	secret   totp.Secret
	recovery []string
	clock    *harness.Clock
	ahead    time.Duration
}

// enroll signs up a member and adds an authenticator app.
func (c *client) enroll(clock *harness.Clock) *member {
	c.T.Helper()
	m := &member{email: c.signUp(), clock: clock}
	m.recovery = c.addApp(m).RecoveryCodes
	return m
}

// addApp adds an authenticator app to the account of the client. The member has its secret then.
func (c *client) addApp(m *member) payload {
	c.T.Helper()
	started := c.must(start, nil)
	m.secret = secretOf(c.T, started.Secret)
	return c.must(finish, harness.Input("continuationToken", started.ContinuationToken, "code", m.next(c.T)))
}

// next moves the clock to the next step, and returns its code.
func (m *member) next(t testing.TB) string {
	t.Helper()
	m.ahead += 30 * time.Second
	m.clock.Put(m.ahead)
	return m.code(t, 0)
}

// code returns the code of a step after the current one.
func (m *member) code(t testing.TB, steps int) string {
	t.Helper()
	code, err := m.secret.Code(time.Now().Add(m.ahead + time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong returns a code that is not valid now.
func (m *member) wrong(t testing.TB) string {
	t.Helper()
	for n := range 10 {
		code := strings.Repeat(strconv.Itoa(n), 6)
		if !slices.Contains([]string{m.code(t, -2), m.code(t, -1), m.code(t, 0), m.code(t, 1), m.code(t, 2)}, code) {
			return code
		}
	}
	return ""
}

// begin signs in with the password, and returns the token that the second factor needs.
func (c *client) begin(m *member) string {
	c.T.Helper()
	p := c.must(signIn, c.input("email", m.email, "password", harness.Password))
	if p.SecondFactor == nil || p.Tokens.AccessToken != "" || p.User.ID != "" || fmt.Sprint(p.SecondFactor.Factors) != "[TOTP RECOVERY_CODE]" {
		c.T.Fatalf("a sign-in to an account with a second factor: %+v", p)
	}
	return p.SecondFactor.ContinuationToken
}

// signIn signs in with both factors.
func (c *client) signIn(m *member) {
	c.T.Helper()
	c.take(c.must(second, harness.Input("continuationToken", c.begin(m), "code", m.next(c.T))))
}

// events returns the kinds of the events of an account, the newest first.
func events(s *harness.Service, email string) []string {
	s.T.Helper()
	return s.DB.Query(s.T, `
		SELECT e.kind FROM app.security_events e JOIN app.user_private u ON u.user_id = e.user_id WHERE u.email = $1 ORDER BY e.created_at DESC, e.id`, email)
}

// count returns how many of the texts are this one.
func count(list []string, text string) (n int) {
	for _, x := range list {
		if x == text {
			n++
		}
	}
	return n
}

// newServer returns the URL of a server that calls a function for each request.
func newServer(t *testing.T, do func()) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { do() }))
	t.Cleanup(server.Close)
	return server.URL
}
