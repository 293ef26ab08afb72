package oauth

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/auth/passkeys/softkey"
	"freehold.dev/freehold/e2e/harness"
)

// way is another way in: enter signs up with an address, and returns the token and what signs in again.
type way struct {
	signUp func(s *harness.Service, email, username string) (r harness.Reply, token string, again func() harness.Reply)
}

// ways are the other ways in with which a client can sign up with an address that it cannot read.
var ways = map[string]way{
	"password": {func(s *harness.Service, email, username string) (harness.Reply, string, func() harness.Reply) {
		r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": username}})
		return r, tokenIn(s, r), func() harness.Reply { return s.TrySignIn(email, harness.Password) }
	}},
	"anonymous, then a password": {func(s *harness.Service, email, username string) (harness.Reply, string, func() harness.Reply) {
		token := tokenIn(s, s.Must("", `mutation ($i: SignUpAnonymouslyInput!) { signUpAnonymously(input: $i) { tokens { accessToken } } }`, harness.Input("username", username)))
		r := s.Do(token, `mutation ($i: UpgradeAccountInput!) { upgradeAccount(input: $i) { user { email } } }`, harness.Input("email", email, "password", harness.Password))
		return r, token, func() harness.Reply { return s.TrySignIn(email, harness.Password) }
	}},
	"passkey": {func(s *harness.Service, email, username string) (harness.Reply, string, func() harness.Reply) {
		key := softkey.New("http://localhost:8080")
		r := passkey(s, key.Create, `mutation ($i: StartPasskeySignUpInput!) { flow: startPasskeySignUp(input: $i) { options continuationToken } }`, harness.Input("email", email, "username", username),
			`mutation ($i: FinishPasskeySignUpInput!) { finishPasskeySignUp(input: $i) { tokens { accessToken } } }`)
		return r, tokenIn(s, r), func() harness.Reply {
			return passkey(s, key.Get, `mutation { flow: startPasskeySignIn { options continuationToken } }`, nil,
				`mutation ($i: FinishPasskeySignInInput!) { finishPasskeySignIn(input: $i) { tokens { accessToken } } }`)
		}
	}},
}

// passkey runs a flow of passkeys. It returns the reply to the start if that is refused.
func passkey(s *harness.Service, answer func([]byte) (json.RawMessage, error), start string, v harness.Vars, finish string) harness.Reply {
	s.T.Helper()
	r := s.Do("", start, v)
	if len(r.Errors) > 0 {
		return r
	}
	var data struct {
		Flow struct {
			Options           json.RawMessage
			ContinuationToken string
		}
	}
	r.Into(s.T, &data)
	credential, err := answer(data.Flow.Options)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.Do("", finish, harness.Input("continuationToken", data.Flow.ContinuationToken, "credential", credential))
}

// tokenIn returns the access token in a reply; "" if there is none.
func tokenIn(s *harness.Service, r harness.Reply) string {
	s.T.Helper()
	var data map[string]struct{ Tokens *struct{ AccessToken string } }
	json.Unmarshal(r.Data, &data)
	for _, x := range data {
		if x.Tokens != nil {
			return x.Tokens.AccessToken
		}
	}
	return ""
}

// O04: a stranger has signed up with an address in any other way, and its owner comes with a provider; and the other order.
func TestPreHijackingWithEachWay(t *testing.T) {
	t.Parallel()
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := start(t, "FREEHOLD_ANONYMOUS=on")
			s.Work()
			p.put("owner", "owner@example.org", true)
			r, token, again := w.signUp(s, "owner@example.org", "stranger")
			if len(r.Errors) > 0 || token == "" {
				t.Fatalf("the stranger signs up: %s", r.Body)
			}
			if r := again(); len(r.Errors) > 0 {
				t.Fatalf("the stranger signs in: %s", r.Body)
			}
			owner := newClient(s, false)
			if r := owner.signIn(p, "owner", "username", "owner"); fmt.Sprint(r.Fields()) != "[input.code EMAIL_NOT_VERIFIED]" {
				t.Fatalf("the owner comes: %s", r.Body)
			}
			s.Do("", harness.RequestVerification, harness.Input("email", "owner@example.org"))
			if r := s.Do("", harness.VerifyEmail, harness.Input("email", "owner@example.org", "code", s.CodeTo("owner@example.org", "verify_email", 1))); len(r.Errors) > 0 {
				t.Fatal(r.Body)
			}
			a := owner.take(owner.signIn(p, "owner"))
			if a.User == nil || a.User.Email != "owner@example.org" {
				t.Fatalf("the owner signs in: %+v", a)
			}
			s.ExpectNoSession(token, "revoked")
			if r := again(); tokenIn(s, r) != "" || len(r.Errors) == 0 {
				t.Errorf("the stranger signs in after that: %s", r.Body)
			}
			if got, _ := owner.credentials(); strings.Contains(got, "PASSWORD") || strings.Contains(got, "PASSKEY") {
				t.Errorf("the credentials of the owner: %s", got)
			}

			p.put("first", "first@example.org", true)
			first := newClient(s, false)
			first.signUp(p, "first")
			if r, token, _ := w.signUp(s, "first@example.org", "late"); len(r.Errors) == 0 || strings.Contains(r.Body, "first@example.org") {
				t.Errorf("a stranger comes later, and gets the token %q: %s", token, r.Body)
			}
			if got, _ := first.credentials(); strings.Contains(got, "PASSWORD") || strings.Contains(got, "PASSKEY") {
				t.Errorf("the credentials of the first: %s", got)
			}

			// A stranger has signed up with a provider that has not verified the address. Its owner signs up in any other way.
			p.put("fake", "later@example.org", false)
			fake := newClient(s, false)
			fake.signUp(p, "fake")
			if r, _, again := w.signUp(s, "later@example.org", "later"); len(r.Errors) > 0 || len(again().Errors) > 0 {
				t.Errorf("the owner signs up after a stranger with a provider: %s", r.Body)
			}
			if a := fake.take(fake.signIn(p, "fake")); a.User == nil || a.User.Email != "" {
				t.Errorf("the stranger with a provider: %+v", a)
			}
		})
	}
}

// O04: a code by mail proves the address. A stranger who has asked for one, or whose provider has not verified the address, gets nothing
// from its owner, who signs in by code and with a provider to the same account.
func TestPreHijackingWithCodes(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	s.Work()
	const email = "owner@example.org"
	ask := func() {
		t.Helper()
		s.Must("", `mutation ($i: RequestSignInCodeInput!) { requestSignInCode(input: $i) { success } }`, harness.Input("email", email, "username", "by-code"))
	}
	use := func(code string) account {
		t.Helper()
		return newClient(s, false).take(s.Do("", `mutation ($i: SignInWithCodeInput!) { signInWithCode(input: $i) { user { id email } tokens { accessToken } pendingSignUp { continuationToken } } }`, harness.Input("email", email, "code", code)))
	}
	p.put("fake", email, false)
	fake := newClient(s, false)
	stranger := fake.signUp(p, "fake")
	ask() // by the stranger; the mail goes to the owner
	p.put("owner", email, true)
	owner := newClient(s, false)
	a := owner.signUp(p, "owner")
	if a.User == nil || a.User.ID == stranger.User.ID {
		t.Fatalf("the owner signs up: %+v", a)
	}
	ask()
	if got := use(s.CodeTo(email, "sign_in_code", 2)); got.User == nil || got.User.ID != a.User.ID {
		t.Errorf("the owner signs in by code: %+v", got)
	}
	if got := owner.take(owner.signIn(p, "owner")); got.User == nil || got.User.ID != a.User.ID {
		t.Errorf("the owner signs in with the provider: %+v", got)
	}
	if got := fake.take(fake.signIn(p, "fake")); got.User == nil || got.User.ID != stranger.User.ID {
		t.Errorf("the stranger: %+v", got)
	}
}
