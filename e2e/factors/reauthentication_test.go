package factors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/e2e/harness"
)

const again = `mutation ($i: ReauthenticateInput!) { reauthenticate(input: $i) { user { id reauthenticatedUntil } } }`

// age makes all proofs of a session older.
func age(s *harness.Service, what, minutes string) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.sessions SET `+what+` = `+what+` - `+minutes+` * interval '1 minute'`)
}

// acceptable returns the factors of a reply REAUTH_REQUIRED, or its data.
func acceptable(r harness.Reply) string {
	if r.Code() != "REAUTH_REQUIRED" {
		return r.Body
	}
	return fmt.Sprint(r.Errors[0].Extensions.Acceptable)
}

// An account with a second factor needs both factors for each sensitive operation, and both must be recent. REAUTH_REQUIRED names what is
// accepted next. User.reauthenticatedUntil agrees with it.
func TestSensitiveOperationsNeedBothFactors(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock)
		c := of(s)
		m := c.enroll(clock)
		id := s.DB.Query(t, `SELECT id FROM app.credentials WHERE kind = 'TOTP'`)[0]
		acts := map[string]func() harness.Reply{
			"changeEmail":    func() harness.Reply { return c.do(harness.ChangeEmail, harness.Input("newEmail", "new@example.org")) },
			"changeUsername": func() harness.Reply { return c.do(harness.ChangeUsername, harness.Input("username", "new-one")) },
			"changePassword": func() harness.Reply {
				return c.do(harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
			},
			"deleteAccount":       func() harness.Reply { return c.do(harness.DeleteAccount, harness.Input("password", harness.Password)) },
			"removeCredential":    func() harness.Reply { return c.do(removal, harness.Input("id", id)) },
			"startTotp":           func() harness.Reply { return c.do(start, nil) },
			"createRecoveryCodes": func() harness.Reply { return c.do(renew, nil) },
		}
		refused := func(what, want string) {
			t.Helper()
			for name, act := range acts {
				if got := acceptable(act()); got != want {
					t.Errorf("%s, %s: %s, want %s", what, name, got, want)
				}
			}
			if r := c.do(`{ me { reauthenticatedUntil } }`, nil); string(r.Data) != `{"me":{"reauthenticatedUntil":null}}` {
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		reauthenticate := func(what, want string, pairs ...any) {
			t.Helper()
			r := c.do(again, harness.Input(pairs...))
			if got := strings.Join(append(r.Fields(), acceptable(r)), " "); !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", what, r.Body, want)
			}
		}
		age(s, "second_factor_at", "31")
		refused("after the second factor", "[TOTP RECOVERY_CODE]")
		age(s, "authenticated_at", "31")
		refused("after both factors", "[PASSWORD]")
		reauthenticate("a code alone", "[PASSWORD]", "code", m.next(t))
		reauthenticate("a recovery code alone", "[PASSWORD]", "recoveryCode", m.recovery[0])
		refused("after a second factor alone", "[PASSWORD]")
		reauthenticate("a wrong code with the password", "input.code INVALID", "password", harness.Password, "code", m.wrong(t))
		reauthenticate("a code with a wrong password", "input.password INVALID", "password", "wrong", "code", m.next(t))
		refused("after refusals", "[PASSWORD]")
		reauthenticate("the password", `"reauthenticatedUntil":null`, "password", harness.Password)
		refused("after the password", "[TOTP RECOVERY_CODE]")
		age(s, "authenticated_at", "20")
		reauthenticate("then a code", `"reauthenticatedUntil":"`, "code", m.next(t))
		age(s, "authenticated_at", "11") // the code proves the password no longer
		refused("after the first of the two", "[PASSWORD]")
		reauthenticate("both with a recovery code", `"reauthenticatedUntil":"`, "password", harness.Password, "recoveryCode", m.recovery[0])
		reauthenticate("the code that was used, again", "input.recoveryCode INVALID", "recoveryCode", m.recovery[0])
		age(s, "authenticated_at", "31")
		reauthenticate("both at once", `"reauthenticatedUntil":"`, "password", harness.Password, "code", m.next(t))
		for _, name := range []string{"changeEmail", "changeUsername", "createRecoveryCodes", "startTotp", "changePassword", "removeCredential"} {
			if r := acts[name](); len(r.Errors) > 0 {
				t.Errorf("%s after both factors: %s", name, r.Body)
			}
		}
		if got := events(s, m.email); count(got, "REAUTHENTICATED") != 4 || count(got, "SECOND_FACTOR_REFUSED") != 2 {
			t.Errorf("the events are %v", got)
		}
	})
}

// Reauthenticate takes the password, a second factor, or both; not two second factors, and not nothing.
func TestReauthenticateTakesOneWayOrBothFactors(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	c, plain := &client{Service: s}, &client{Service: s}
	m := c.enroll(clock)
	plain.signUp()
	for _, x := range []struct {
		who  *client
		in   []any
		want string
	}{
		{plain, []any{}, "input.password REQUIRED"},
		{plain, []any{"code", " ", "recoveryCode", ""}, "input.password REQUIRED"},
		{plain, []any{"password", ""}, "input.password INVALID"},
		{plain, []any{"code", "123456"}, "input.code INVALID"},
		{plain, []any{"recoveryCode", m.recovery[0]}, "input.recoveryCode INVALID"},
		{plain, []any{"password", harness.Password, "code", "123456"}, "input.code INVALID"},
		{c, []any{"code", m.next(t), "recoveryCode", m.recovery[0]}, "input.recoveryCode NOT_TOGETHER"},
		{c, []any{"code", "1"}, "input.code INVALID"},
		{c, []any{"code", nil, "password", nil}, "input.password REQUIRED"},
	} {
		if r := x.who.do(again, harness.Input(x.in...)); strings.Join(r.Fields(), " ") != x.want {
			t.Errorf("%v: %s, want %s", x.in, r.Body, x.want)
		}
	}
	plain.must(again, harness.Input("password", harness.Password, "code", " "))
}

// REAUTH_REQUIRED names the factors that an account has, of every kind.
func TestAcceptableFactorsAreThoseOfTheAccount(t *testing.T) {
	t.Parallel()
	provider := harness.StartProvider()
	s := harness.Start(t, append(provider.Settings(), "FREEHOLD_OIDC_GITHUB_CLIENT_ID=x", "FREEHOLD_OIDC_GITHUB_CLIENT_SECRET=x")...)
	issuers := map[string]string{"OAUTH": provider.URL, "OAUTH@github": "https://github.com", "OAUTH@gone": "https://gone.example"}
	for kinds, want := range map[string]string{
		"PASSWORD": "[PASSWORD]", "PASSKEY": "[PASSKEY]", "OAUTH": "[OAUTH]", "EMAIL_CODE": "[EMAIL_CODE]", "": "[]",
		"EMAIL_CODE OAUTH PASSKEY PASSWORD": "[PASSWORD PASSKEY OAUTH EMAIL_CODE]", "PASSKEY TOTP": "[PASSKEY]", "OAUTH PASSKEY TOTP": "[PASSKEY OAUTH]",
		// A provider of OAuth alone cannot be asked again, and neither can one that the service no longer knows.
		"OAUTH@github PASSWORD": "[PASSWORD]", "OAUTH@gone": "[]", "OAUTH OAUTH@github": "[OAUTH]",
	} {
		a := s.SignUp(nil)
		s.DB.Query(t, `DELETE FROM app.credentials WHERE user_id = $1`, a.UserID)
		for _, kind := range strings.Fields(kinds) {
			id := uuid.NewString()
			s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($1, $2, $3, 'x')`, id, a.UserID, strings.Split(kind, "@")[0])
			if issuer := issuers[kind]; issuer != "" {
				s.DB.Query(t, `INSERT INTO app.identities (credential_id, issuer, subject) VALUES ($1, $2, $3)`, id, issuer, a.UserID)
			}
		}
		s.AgeAuthentication(a)
		if got := acceptable(s.Do(a.Token, harness.ChangeUsername, harness.Input("username", "new-one"))); got != want {
			t.Errorf("an account with %q accepts %s, want %s", kinds, got, want)
		}
		if !strings.Contains(kinds, "TOTP") {
			continue
		}
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() WHERE user_id = $1`, a.UserID)
		if got := acceptable(s.Do(a.Token, harness.ChangeUsername, harness.Input("username", "new-one"))); got != "[TOTP PASSKEY]" {
			t.Errorf("an account with %q, after its first factor, accepts %s", kinds, got)
		}
	}
}

// An account with a password is deleted with it. One without a password requires a recent proof instead.
func TestDeleteAccountWithoutAPassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	remove := func(a harness.Account, pairs ...any) string {
		r := s.Do(a.Token, harness.DeleteAccount, harness.Input(pairs...))
		return strings.Join(append(r.Fields(), r.Code()), " ")
	}
	a := s.SignUp(nil)
	for _, pairs := range [][]any{{}, {"password", nil}} {
		if got := remove(a, pairs...); got != "input.password REQUIRED BAD_USER_INPUT" {
			t.Errorf("%v: %s", pairs, got)
		}
	}
	s.DB.Query(t, `UPDATE app.accounts SET password_hash = '' WHERE user_id = $1`, a.UserID)
	if got := remove(a, "password", harness.Password); got != "input.password INVALID BAD_USER_INPUT" {
		t.Errorf("a password of an account without one: %s", got)
	}
	s.AgeAuthentication(a)
	if got := remove(a); got != "REAUTH_REQUIRED" {
		t.Errorf("long after the sign-in: %s", got)
	}
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() WHERE user_id = $1`, a.UserID)
	if got := remove(a); got != "" || s.DB.Query(t, `SELECT count(*) FROM app.users`)[0] != "0" {
		t.Errorf("after the sign-in: %s", got)
	}
}
