// Package passkeys proves over HTTP, and with a real Chromium, what users can do with passkeys, and what attackers cannot.
package passkeys

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/auth/passkeys/softkey"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// origin is the page of a service with the default settings.
const origin = "http://localhost:8080"

// The mutations. Those that start a flow have no variables, or one input; the others have one input.
const (
	startRegistration = `mutation { started: startPasskeyRegistration { options continuationToken expiresAt } }`
	startSignUp       = `mutation ($i: StartPasskeySignUpInput!) { started: startPasskeySignUp(input: $i) { options continuationToken expiresAt } }`
	startSignIn       = `mutation ($i: StartPasskeySignInInput) { started: startPasskeySignIn(input: $i) { options continuationToken expiresAt } }`
	startReauth       = `mutation { started: startPasskeyReauthentication { options continuationToken expiresAt } }`

	finishRegistration = `mutation ($i: FinishPasskeyRegistrationInput!) { finishPasskeyRegistration(input: $i) { credential { id kind name } } }`
	finishSignUp       = `mutation ($i: FinishPasskeySignUpInput!) { finished: finishPasskeySignUp(input: $i) { ` + entered + ` } }`
	finishSignIn       = `mutation ($i: FinishPasskeySignInInput!) { finished: finishPasskeySignIn(input: $i) { ` + entered + ` secondFactor { factors } } }`
	finishReauth       = `mutation ($i: FinishPasskeyReauthenticationInput!) { finishPasskeyReauthentication(input: $i) { user { id reauthenticatedUntil } } }`
	entered            = `user { id email profile { username displayName } } tokens { accessToken refreshToken }`

	list   = `{ me { id email credentials { id kind name lastUsedAt } } }`
	remove = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { removedCredentialId } }`
)

// ways are how clients can hold a session.
var ways = []string{"TOKENS", "COOKIE"}

// client is a client with an authenticator. It holds a session by one of the ways.
type client struct {
	*harness.Service
	key     *softkey.Authenticator
	way     string
	token   string
	browser *harness.Browser
}

// newClient returns a client without a session, with a new authenticator unless one is given.
func newClient(s *harness.Service, way string, a *softkey.Authenticator) *client {
	if a == nil {
		a = softkey.New(origin)
	}
	return &client{Service: s, key: a, way: way, browser: &harness.Browser{Service: s}}
}

// memberWith returns a client with a session of an account that has a password.
func memberWith(s *harness.Service, way string) (*client, harness.Account) {
	s.T.Helper()
	a := s.SignUp(nil)
	c := newClient(s, way, nil)
	c.token, c.browser.Access, c.browser.Refresh = a.Token, a.Token, a.Refresh
	return c, a
}

func (c *client) do(query string, v harness.Vars) harness.Reply {
	c.T.Helper()
	if c.way == "COOKIE" {
		return c.browser.Do(query, v)
	}
	return c.Do(c.token, query, v)
}

// started is a flow that was started.
type started struct {
	Options                      json.RawMessage
	ContinuationToken, ExpiresAt string
}

// start starts a flow, which must succeed.
func (c *client) start(query string, v harness.Vars) (f started) {
	c.T.Helper()
	r := c.do(query, v)
	if len(r.Errors) > 0 {
		c.T.Fatalf("%s: %s", query, r.Body)
	}
	var data struct{ Started started }
	r.Into(c.T, &data)
	return data.Started
}

// with returns the input that finishes a flow.
func (f started) with(credential json.RawMessage) harness.Vars {
	return harness.Input("continuationToken", f.ContinuationToken, "credential", credential)
}

// create answers the options for a new passkey.
func (c *client) create(f started) json.RawMessage {
	c.T.Helper()
	return answered(c.T, c.key.Create, f)
}

// choose answers the options for a passkey.
func (c *client) choose(f started) json.RawMessage {
	c.T.Helper()
	return answered(c.T, c.key.Get, f)
}

func answered(t testing.TB, answer func([]byte) (json.RawMessage, error), f started) json.RawMessage {
	t.Helper()
	credential, err := answer(f.Options)
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// form returns the input of a new sign-up.
func (c *client) form() harness.Vars {
	name := fmt.Sprintf("member-%d", harness.Serial.Add(1))
	return harness.Input("email", name+"@example.org", "username", name, "profile", harness.Vars{"displayName": "Ann A."}, "session", c.way)
}

// take keeps the session of a reply; it fails the test if there is none.
func (c *client) take(r harness.Reply) {
	c.T.Helper()
	var data struct {
		Finished struct {
			User   struct{ ID string }
			Tokens struct{ AccessToken string }
		}
	}
	r.Into(c.T, &data)
	c.token = data.Finished.Tokens.AccessToken
	if len(r.Errors) > 0 || data.Finished.User.ID == "" || (c.way == "COOKIE") != (c.token == "") || c.way == "COOKIE" && c.browser.Access == "" {
		c.T.Fatalf("no session by %s: %s %v", c.way, r.Body, r.Header)
	}
}

// signUp creates an account with a passkey alone, and returns its email address.
func (c *client) signUp() (email string) {
	c.T.Helper()
	form := c.form()
	f := c.start(startSignUp, form)
	c.take(c.do(finishSignUp, f.with(c.create(f))))
	return form["i"].(harness.Vars)["email"].(string)
}

// register adds a passkey of the client's authenticator to the account, or of a new one, and returns the id of the credential.
func (c *client) register() (id string) {
	c.T.Helper()
	f := c.start(startRegistration, nil)
	key := c.key
	if len(key.Keys) > 0 {
		key = softkey.New(origin)
	}
	r := c.do(finishRegistration, f.with(answered(c.T, key.Create, f)))
	var data struct {
		FinishPasskeyRegistration struct{ Credential struct{ ID string } }
	}
	r.Into(c.T, &data)
	if data.FinishPasskeyRegistration.Credential.ID == "" {
		c.T.Fatalf("add a passkey: %s", r.Body)
	}
	return data.FinishPasskeyRegistration.Credential.ID
}

// signIn starts a sign-in and answers it.
func (c *client) signIn() harness.Reply {
	c.T.Helper()
	f := c.start(startSignIn, harness.Input("session", c.way))
	return c.do(finishSignIn, f.with(c.choose(f)))
}

// credentials returns the credentials of the account as "KIND name", the oldest first, and their ids.
func (c *client) credentials() (names, ids []string) {
	c.T.Helper()
	var data struct {
		Me struct {
			Credentials []struct{ ID, Kind, Name string }
		}
	}
	c.do(list, nil).Into(c.T, &data)
	for _, k := range data.Me.Credentials {
		names, ids = append(names, k.Kind+" "+k.Name), append(ids, k.ID)
	}
	return names, ids
}

// events returns the kinds of the events of an account, the newest first.
func events(s *harness.Service, email string) string {
	s.T.Helper()
	return strings.Join(s.DB.Query(s.T, `
		SELECT e.kind FROM app.security_events e JOIN app.user_private u ON u.user_id = e.user_id WHERE u.email = $1 ORDER BY e.created_at DESC, e.id`, email), " ")
}
