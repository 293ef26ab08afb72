// Package mailcodes proves over HTTP that users sign in and sign up with codes by mail, and what strangers cannot do with them.
package mailcodes

import (
	"strings"
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

const verifiedOnly = "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"

// The mutations, with one input, $i.
const (
	request = harness.RequestSignInCode
	signIn  = `mutation ($i: SignInWithCodeInput!) { signInWithCode(input: $i) {
		user { id email emailVerified hasPassword profile { username displayName } } tokens { accessToken refreshToken }
		secondFactor { continuationToken factors } pendingSignUp { needs continuationToken } passwordCleared
	} }`
	complete       = `mutation ($i: CompleteSignUpInput!) { completeSignUp(input: $i) { user { id email emailVerified profile { username } } tokens { accessToken refreshToken } } }`
	reauthenticate = `mutation ($i: ReauthenticateWithCodeInput!) { reauthenticateWithCode(input: $i) { user { reauthenticatedUntil } } }`
	turnOn         = `mutation { enableSignInCodes { user { credentials { kind } } } }`
	setPassword    = `mutation ($i: SetPasswordInput!) { setPassword(input: $i) { user { hasPassword credentials { kind } } } }`
	remove         = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { user { credentials { kind } } } }`
)

// entered is the payload of signInWithCode.
type entered struct {
	SignInWithCode struct {
		User *struct {
			ID, Email                  string
			EmailVerified, HasPassword bool
			Profile                    struct{ Username, DisplayName string }
		}
		Tokens          *struct{ AccessToken, RefreshToken string }
		SecondFactor    *struct{ ContinuationToken string }
		PendingSignUp   *struct{ Needs, ContinuationToken string }
		PasswordCleared bool
	}
}

// codeFor requests a code for an address with further values, and returns it from its mail, the n-th to the address.
func codeFor(s *harness.Service, email string, n int, further ...any) string {
	s.T.Helper()
	s.Must("", request, harness.Input(append(further, "email", email)...))
	return s.CodeTo(email, "sign_in_code", n)
}

// enter signs in with a code, as a client without a session.
func enter(s *harness.Service, pairs ...any) (e entered) {
	s.T.Helper()
	s.Must("", signIn, harness.Input(pairs...)).Into(s.T, &e)
	return e
}

// signUp signs up with a code.
func signUp(s *harness.Service, name string) (harness.Account, entered) {
	s.T.Helper()
	email := name + "@example.org"
	e := enter(s, "email", email, "code", codeFor(s, email, 1, "username", name))
	if e.SignInWithCode.User == nil || e.SignInWithCode.Tokens == nil {
		s.T.Fatalf("no session after signing up: %+v", e)
	}
	return harness.Account{UserID: e.SignInWithCode.User.ID, Username: name, Email: email, Token: e.SignInWithCode.Tokens.AccessToken}, e
}

// kinds returns which credentials a client has, oldest first, and the id of each.
func kinds(c *harness.Client) (list string, ids map[string]string) {
	c.T.Helper()
	var data struct {
		Me struct {
			Credentials []struct{ ID, Kind, Name, CreatedAt string }
		}
	}
	c.MustSend(`{ me { credentials { id kind name createdAt lastUsedAt } } }`).Into(c.T, &data)
	ids = map[string]string{}
	var all []string
	for _, credential := range data.Me.Credentials {
		if credential.Name == "" || credential.CreatedAt == "" {
			c.T.Errorf("a credential without a name or date: %+v", credential)
		}
		all, ids[credential.Kind] = append(all, credential.Kind), credential.ID
	}
	return strings.Join(all, " "), ids
}

// mails returns all mails of a kind to an address, once the outbox is empty.
func mails(s *harness.Service, to, kind string) (n int) {
	s.T.Helper()
	s.AwaitOutbox()
	for _, m := range s.Mailbox(0) {
		if m.To == to && m.Kind == kind {
			n++
		}
	}
	return n
}
