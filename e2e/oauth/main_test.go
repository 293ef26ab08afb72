// Package oauth proves over HTTP how users sign in with identity providers, and what strangers cannot do with them. The provider is a
// real one (zitadel/oidc), in the test's process.
package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// page is where users return to, in the front end.
const page = "https://app.example.org/signed-in?from=provider"

const redirects = "FREEHOLD_OIDC_REDIRECTS=" + page + ",com.example.app://signed-in"

// start starts a service and a provider, which it calls work.
func start(t *testing.T, further ...string) (*harness.Service, *provider) {
	t.Helper()
	return startWith(t, app.Options{}, further...)
}

func startWith(t *testing.T, o app.Options, further ...string) (*harness.Service, *provider) {
	t.Helper()
	p := newProvider(t, "work")
	settings := append(p.settings("work", redirects), further...)
	return harness.StartWith(t, dbtest.New(t), harness.BothLayers, o, settings...), p
}

const started = ` { authorizationUrl continuationToken expiresAt } }`

const (
	startOAuth  = `mutation ($i: StartOAuthInput!) { startOAuth(input: $i)` + started
	finishOAuth = `mutation ($i: FinishOAuthInput!) { finishOAuth(input: $i) {
		user { id email emailVerified profile { username displayName } } tokens { accessToken refreshToken }
		secondFactor { continuationToken factors } pendingSignUp { needs continuationToken } } }`
	startLink  = `mutation ($i: StartOAuthLinkInput!) { startOAuthLink(input: $i)` + started
	finishLink = `mutation ($i: FinishOAuthLinkInput!) { finishOAuthLink(input: $i) { credential { id kind name } } }`
	startAgain = `mutation ($i: StartOAuthReauthenticationInput!) { startOAuthReauthentication(input: $i)` + started
	again      = `mutation ($i: FinishOAuthReauthenticationInput!) { finishOAuthReauthentication(input: $i) { user { id reauthenticatedUntil } } }`
	complete   = `mutation ($i: CompleteSignUpInput!) { completeSignUp(input: $i) { user { id email emailVerified profile { username displayName } } tokens { accessToken refreshToken } } }`
	list       = `{ me { id credentials { id kind name lastUsedAt } } }`
)

// client is a front end: a browser whose session is in cookies, or a client that holds tokens.
type client struct {
	*harness.Browser
	cookies bool
	token   string
}

func newClient(s *harness.Service, cookies bool) *client {
	return &client{Browser: &harness.Browser{Service: s}, cookies: cookies}
}

// eachClient runs a test with both kinds of clients.
func eachClient(t *testing.T, test func(t *testing.T, cookies bool)) {
	t.Helper()
	for name, cookies := range map[string]bool{"tokens": false, "cookies": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, cookies)
		})
	}
}

func (c *client) do(query string, v harness.Vars) harness.Reply {
	c.T.Helper()
	if c.cookies {
		return c.Do(query, v)
	}
	return c.Service.Do(c.token, query, v)
}

// begun is a flow that a client has begun.
type begun struct {
	AuthorizationURL, ContinuationToken string
	reply                               harness.Reply
}

// begin begins a flow. Further pairs are values of the input.
func (c *client) begin(mutation string, pairs ...any) begun {
	c.T.Helper()
	v := harness.Input(append([]any{"provider", "work", "redirectTo", page}, pairs...)...)
	if c.cookies && mutation == startOAuth {
		v["i"].(harness.Vars)["session"] = "COOKIE"
	}
	r := c.do(mutation, v)
	var data map[string]begun
	if len(r.Errors) == 0 {
		r.Into(c.T, &data)
	}
	for _, b := range data {
		b.reply = r
		return b
	}
	return begun{reply: r}
}

// finish continues a flow with an answer of the provider. Further pairs replace values of the input.
func (c *client) finish(mutation string, b begun, answer url.Values, pairs ...any) harness.Reply {
	c.T.Helper()
	if b.AuthorizationURL == "" {
		c.T.Fatalf("the flow has not begun: %s", b.reply.Body)
	}
	input := []any{"continuationToken", b.ContinuationToken, "code", answer.Get("code"), "state", answer.Get("state")}
	if answer.Has("iss") {
		input = append(input, "iss", answer.Get("iss"))
	}
	return c.do(mutation, harness.Input(append(input, pairs...)...))
}

// account is what came of a sign-in.
type account struct {
	User *struct {
		ID            string
		Email         string
		EmailVerified bool
		Profile       struct{ Username, DisplayName string }
	}
	Tokens        *struct{ AccessToken, RefreshToken string }
	SecondFactor  *struct{ ContinuationToken string }
	PendingSignUp *struct{ Needs, ContinuationToken string }
}

// take reads the reply of a sign-in, and keeps the token.
func (c *client) take(r harness.Reply) (a account) {
	c.T.Helper()
	if len(r.Errors) > 0 {
		c.T.Fatal(r.Body)
	}
	var data map[string]account
	r.Into(c.T, &data)
	for _, a = range data {
		if c.cookies && a.Tokens != nil {
			c.T.Errorf("a client with cookies gets tokens: %s", r.Body)
		}
		if a.Tokens != nil {
			c.token = a.Tokens.AccessToken
		}
	}
	return a
}

// signIn signs a user of a provider in, or up, and returns the reply.
func (c *client) signIn(p *provider, subject string, pairs ...any) harness.Reply {
	c.T.Helper()
	b := c.begin(startOAuth, pairs...)
	if b.AuthorizationURL == "" {
		return b.reply
	}
	return c.finish(finishOAuth, b, p.signIn(b.AuthorizationURL, subject))
}

// signUp signs a user of a provider up, with a new username.
func (c *client) signUp(p *provider, subject string) account {
	c.T.Helper()
	return c.take(c.signIn(p, subject, "username", subject+"-here"))
}

// credentials returns the kinds and names of the credentials of the client's account, and their ids by name.
func (c *client) credentials() (text string, ids map[string]string) {
	c.T.Helper()
	var data struct {
		Me struct {
			Credentials []struct{ ID, Kind, Name string }
		}
	}
	c.do(list, nil).Into(c.T, &data)
	ids = map[string]string{}
	var texts []string
	for _, x := range data.Me.Credentials {
		ids[x.Name] = x.ID
		texts = append(texts, x.Kind+" "+x.Name)
	}
	return strings.Join(texts, ", "), ids
}

// events returns the kinds of the security events of an account, newest first.
func events(s *harness.Service, userID string) string {
	s.T.Helper()
	return strings.Join(s.DB.Query(s.T, `SELECT kind FROM app.security_events WHERE user_id = $1 ORDER BY created_at DESC, kind`, userID), " ")
}

// visit leads a browser to a page of the service, and returns the reply and where it leads.
func visit(b *harness.Browser, path string, header ...string) (status int, to *url.URL) {
	b.T.Helper()
	return send(b, http.MethodGet, path, nil, header...)
}

func send(b *harness.Browser, method, path string, form url.Values, header ...string) (status int, to *url.URL) {
	b.T.Helper()
	request, err := http.NewRequestWithContext(b.T.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.T.Fatal(err)
	}
	request.Header = b.Header()
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := browser.Do(request)
	if err != nil {
		b.T.Fatal(err)
	}
	response.Body.Close()
	for _, cookie := range response.Cookies() {
		switch cookie.Name {
		case "freehold":
			b.Access = cookie.Value
		case "freehold-refresh":
			b.Refresh = cookie.Value
		case "freehold-flow":
			b.Flow = cookie.Value
		}
	}
	to, _ = response.Location()
	return response.StatusCode, to
}
