package mailcodes

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// A user signs up with a code, signs in with another, adds a password, turns codes off and on again, and cannot remove the last way in:
// with tokens and with cookies.
func TestCodesFromSignUpToRemoval(t *testing.T) {
	t.Parallel()
	harness.EachClient(t, func(t *testing.T, newClient func(*harness.Service) *harness.Client) {
		s := harness.Start(t).Work()
		const email = "Ann@example.org"
		c := newClient(s)
		c.Enter(signIn, "email", email, "code", codeFor(s, email, 1, "username", "ann", "profile", harness.Vars{"displayName": "Ann A."}))
		c.ExpectMe("after signing up", `{ me { email emailVerified hasPassword anonymous profile { username displayName } } }`,
			`{"email":"Ann@example.org","emailVerified":true,"hasPassword":false,"anonymous":false,"profile":{"username":"ann","displayName":"Ann A."}}`)
		list, ids := kinds(c)
		if list != "EMAIL_CODE" {
			t.Errorf("credentials after signing up: %s", list)
		}
		s.ExpectFault("the last way in", c.Send(remove, "id", ids["EMAIL_CODE"]), "input.id LAST_CREDENTIAL")

		other := newClient(s)
		other.Enter(signIn, "email", strings.ToLower(email), "code", codeFor(s, email, 2))
		other.ExpectMe("after signing in", `{ me { profile { username } securityEvents { nodes { kind } } } }`, `"username":"ann"`)
		other.ExpectMe("events", `{ me { securityEvents { nodes { kind } } } }`, `[{"kind":"SIGNED_IN"},{"kind":"SIGNED_UP"}]`)

		c.MustSend(setPassword, "newPassword", harness.NewPassword)
		if list, _ := kinds(c); list != "EMAIL_CODE PASSWORD" {
			t.Errorf("credentials with a password: %s", list)
		}
		if r := s.TrySignIn(email, harness.NewPassword); len(r.Errors) > 0 {
			t.Errorf("signing in with the password: %s", r.Body)
		}
		c.MustSend(remove, "id", ids["EMAIL_CODE"])
		c.ExpectMe("events", `{ me { securityEvents(first: 1) { nodes { kind } } } }`, `CREDENTIAL_REMOVED`)
		other.ExpectMe("a session that was started with codes", `{ me { id } }`, "UNAUTHENTICATED")
		before := mails(s, email, "sign_in_code")
		s.Must("", request, harness.Input("email", email))
		if after := mails(s, email, "sign_in_code"); after != before {
			t.Error("a code is sent although codes are off")
		}
		c.MustSend(turnOn)
		c.ExpectMe("events", `{ me { securityEvents(first: 1) { nodes { kind } } } }`, `CREDENTIAL_ADDED`)
		if list, _ := kinds(c); list != "PASSWORD EMAIL_CODE" {
			t.Errorf("credentials with codes again: %s", list)
		}
		c.MustSend(turnOn) // once more changes nothing
		newClient(s).Enter(signIn, "email", email, "code", codeFor(s, email, before+1))
		for kind, want := range map[string]int{"credential_added": 2, "credential_removed": 1} {
			if got := mails(s, email, kind); got != want {
				t.Errorf("%d mails of the kind %s, want %d", got, kind, want)
			}
		}
	})
}

// A code for an address without an account asks for the username, if none was sent with the request. It is completed by the same client.
func TestMissingUsernameIsAskedFor(t *testing.T) {
	t.Parallel()
	harness.EachClient(t, func(t *testing.T, newClient func(*harness.Service) *harness.Client) {
		s := harness.Start(t).Work()
		s.SignUpAs("taken", nil)
		const email = "ann@example.org"
		code := codeFor(s, email, 1)
		c := newClient(s)
		pairs := []any{"email", email, "code", code}
		if c.Browser != nil {
			pairs = append(pairs, "session", "COOKIE")
		}
		var e entered
		r := c.MustSend(signIn, pairs...)
		r.Into(t, &e)
		p := e.SignInWithCode
		if p.User != nil || p.Tokens != nil || p.PendingSignUp == nil || p.PendingSignUp.Needs != "NEEDS_USERNAME" {
			t.Fatalf("without a username: %s", r.Body)
		}
		if n := s.Count("users"); n != "1" {
			t.Errorf("%s accounts, want 1", n)
		}
		s.ExpectFault("the code again", c.Send(signIn, pairs...), harness.WrongCode)
		token := p.PendingSignUp.ContinuationToken
		s.ExpectFault("a taken username", c.Send(complete, "continuationToken", token, "username", "Taken"), "input.username TAKEN")
		r = c.MustSend(complete, "continuationToken", token, "username", "ann")
		if !strings.Contains(r.Body, `"email":"ann@example.org","emailVerified":true,"profile":{"username":"ann"}`) {
			t.Errorf("completed: %s", r.Body)
		}
		enter(s, "email", email, "code", codeFor(s, email, 2))
	})
}

// The username and the profile of a request are those of the account. If the username was taken since, another one can be sent with the
// code, which still works. A profile alone is refused, because it would be lost.
func TestUsernameIsKeptWithTheCode(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	const email = "ann@example.org"
	s.ExpectFault("a profile alone", s.Do("", request, harness.Input("email", email, "profile", harness.Vars{"bio": "x"})), "input.username REQUIRED")
	code := codeFor(s, email, 1, "username", "Ann", "profile", harness.Vars{"displayName": "Ann A.", "birthday": "1990-12-31", "bio": " "})
	s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "another@example.org", "password": harness.Password, "username": "ann"}})
	s.ExpectFault("a username that was taken since", s.Do("", signIn, harness.Input("email", email, "code", code)), "input.username TAKEN")
	s.ExpectFault("an invalid one instead", s.Do("", signIn, harness.Input("email", email, "code", code, "username", "a")), "input.username TOO_SHORT")
	e := enter(s, "email", email, "code", code, "username", "ann-2").SignInWithCode
	r := s.Must(e.Tokens.AccessToken, `{ me { profile { username displayName birthday bio } } }`, nil)
	if want := `{"me":{"profile":{"username":"ann-2","displayName":"Ann A.","birthday":"1990-12-31","bio":null}}}`; string(r.Data) != want {
		t.Errorf("%s, want %s", r.Body, want)
	}
	if e := enter(s, "email", email, "code", codeFor(s, email, 2, "username", "ann-3"), "username", "ann-4").SignInWithCode; e.User.Profile.Username != "ann-2" {
		t.Errorf("signing in renames the account to %s", e.User.Profile.Username)
	}
}

// A code signs in with a second factor, if the account has one.
func TestCodeAsksForTheSecondFactor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, _ := signUp(s, "ann")
	s.DB.Query(t, `WITH k AS (INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'An app') RETURNING id)
		INSERT INTO app.totp_secrets (credential_id, secret) SELECT id, 'x' FROM k`, a.UserID)
	e := enter(s, "email", a.Email, "code", codeFor(s, a.Email, 2)).SignInWithCode
	if e.User != nil || e.Tokens != nil || e.SecondFactor == nil || e.SecondFactor.ContinuationToken == "" {
		t.Errorf("a code alone: %+v", e)
	}
}

// If verified addresses are required, a code works the same: it proves the address.
func TestCodesWhereVerifiedAddressesAreRequired(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	const email = "ann@example.org"
	for _, name := range []string{"mallory-1", "mallory-2"} { // they wait for the address, and know the password
		s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": name}})
	}
	rival := s.CodeTo(email, "verify_email", 2)
	a, e := signUp(s, "ann")
	if u := e.SignInWithCode.User; !u.EmailVerified || u.HasPassword || u.Profile.Username != "ann" {
		t.Errorf("signed up as %+v", u)
	}
	s.ExpectFault("the code of a rival", s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", rival, "password", harness.Password)), harness.WrongCode)
	if r := s.TrySignIn(email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the password of a rival: %s", r.Body)
	}
	if e := enter(s, "email", email, "code", codeFor(s, email, 2)).SignInWithCode; e.User.ID != a.UserID {
		t.Errorf("the code signs in to %+v", e)
	}
}

// A user without a password confirms a sensitive action with a code of their own address.
func TestReauthenticationWithACode(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, _ := signUp(s, "ann")
	b, _ := signUp(s, "bob")
	s.AgeAuthentication(a)
	rename := func() harness.Reply { return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", "ann-2")) }
	if r := rename(); r.Code() != "REAUTH_REQUIRED" {
		t.Fatalf("long after signing in: %s", r.Body)
	}
	s.ExpectFault("a wrong code", s.Do(a.Token, reauthenticate, harness.Input("code", "0000-0000")), harness.WrongCode)
	s.ExpectFault("the code of another account", s.Do(a.Token, reauthenticate, harness.Input("code", codeFor(s, b.Email, 2))), harness.WrongCode)
	code := codeFor(s, a.Email, 2)
	if r := s.Must(a.Token, reauthenticate, harness.Input("code", code)); strings.Contains(r.Body, "null") {
		t.Errorf("reauthenticated: %s", r.Body)
	}
	s.ExpectFault("the code again", s.Do(a.Token, reauthenticate, harness.Input("code", code)), harness.WrongCode)
	s.ExpectFault("the code again, to sign in", s.Do("", signIn, harness.Input("email", a.Email, "code", code)), harness.WrongCode)
	if r := rename(); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
	if r := s.Do(a.Token, `{ me { securityEvents(first: 3) { nodes { kind } } } }`, nil); !strings.Contains(r.Body, `REAUTHENTICATED`) {
		t.Errorf("events: %s", r.Body)
	}
}

// Sensitive changes of this way in require a recent authentication, and an address.
func TestChangesOfTheWayInAreSensitive(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, _ := signUp(s, "ann")
	withPassword := s.SignUp(nil)
	s.ExpectFault("a password for an account that has one", s.Do(withPassword.Token, setPassword, harness.Input("newPassword", harness.NewPassword)), "input.newPassword ALREADY_SET")
	s.ExpectFault("a common password", s.Do(a.Token, setPassword, harness.Input("newPassword", "password")), "input.newPassword TOO_COMMON")
	s.ExpectFault("your own username", s.Do(a.Token, setPassword, harness.Input("newPassword", "ann@example.org")), "input.newPassword TOO_PERSONAL")
	if r := s.Do(withPassword.Token, turnOn, nil); r.Code() != "FORBIDDEN" {
		t.Errorf("codes for an address that is not verified: %s", r.Body)
	}
	s.AgeAuthentication(a)
	for what, r := range map[string]harness.Reply{
		"codes":      s.Do(a.Token, turnOn, nil),
		"a password": s.Do(a.Token, setPassword, harness.Input("newPassword", harness.NewPassword)),
	} {
		if r.Code() != "REAUTH_REQUIRED" {
			t.Errorf("%s, long after signing in: %s", what, r.Body)
		}
	}
	if r := s.Do("", turnOn, nil); r.Code() != "UNAUTHENTICATED" {
		t.Errorf("nobody: %s", r.Body)
	}
}

// nextCodeAt says when the next code to sign in can be requested.
func TestNextCodeToSignIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on").Work()
	a, _ := signUp(s, "ann")
	ask := func() string { return string(s.Must(a.Token, `{ me { nextCodeAt(purpose: SIGN_IN) } }`, nil).Data) }
	codeFor(s, a.Email, 2)
	if got := ask(); got != `{"me":{"nextCodeAt":null}}` {
		t.Errorf("before the limit: %s", got)
	}
	codeFor(s, a.Email, 3)
	if got := ask(); strings.Contains(got, "null") {
		t.Errorf("at the limit: %s", got)
	}
	s.ExpectFault("beyond the limit", s.Do("", request, harness.Input("email", a.Email)), "input.email RATE_LIMITED")
	for n := range 3 {
		s.Must("", request, harness.Input("email", fmt.Sprintf("nobody-%d@example.org", n))) // another address
	}
}
