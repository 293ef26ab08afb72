package accounts

import (
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"github.com/google/go-cmp/cmp"
)

type verified struct {
	VerifyEmail struct {
		User struct {
			ID, Email     string
			EmailVerified bool
			Profile       struct{ ID, Username, Visibility string }
		}
		Tokens          *struct{ AccessToken, RefreshToken string }
		PasswordCleared bool
	}
}

// Signed-in users verify their address with the code that was sent to it, and their session continues.
func TestVerifyEmail(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	other := s.SignIn(a.Email)
	s.Must(a.Token, harness.RequestVerification, harness.Input("email", strings.ToUpper(a.Email)))
	m := s.MailTo(a.Email, "verify_email", 1) // as the account spells it
	code := harness.CodeInText.FindString(m.Text)
	var v verified
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", " "+strings.ToLower(code))).Into(t, &v)
	if got := v.VerifyEmail; got.User.ID != a.UserID || !got.User.EmailVerified || got.Tokens != nil || got.PasswordCleared {
		t.Errorf("verified as %+v", got)
	}
	for _, token := range []string{a.Token, other, s.SignIn(a.Email)} {
		if r := s.Do(token, `{ me { emailVerified } }`, nil); string(r.Data) != `{"me":{"emailVerified":true}}` {
			t.Errorf("afterwards: %s", r.Body)
		}
	}
	s.ExpectFault("the code again", s.Do(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", code)), harness.WrongCode)
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email)) // nothing is left to verify, which the reply does not reveal
	if kinds := eventKinds(s, a.Token); !slices.Contains(kinds, "EMAIL_VERIFIED") {
		t.Errorf("events: %v", kinds)
	}
	s.AwaitOutbox()
	if n := len(s.Mailbox(0)); n != 1 {
		t.Errorf("%d mails were sent, want 1", n)
	}
}

// eventKinds returns the kinds of an account's security events, newest first.
func eventKinds(s *harness.Service, token string) (kinds []string) {
	s.T.Helper()
	var data struct {
		Me struct {
			SecurityEvents struct{ Nodes []struct{ Kind string } }
		}
	}
	s.Must(token, `{ me { securityEvents(first: 100) { nodes { kind } } } }`, nil).Into(s.T, &data)
	for _, n := range data.Me.SecurityEvents.Nodes {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// P08: a stranger has signed up with another person's address. The person who verifies the address from outside of the
// account gets it, and its sessions, password and codes stop working.
func TestVerifyingAnAddressRevokesOthersAccess(t *testing.T) {
	t.Parallel()
	for how, prove := range map[string]func(s *harness.Service, email string){
		"by verifying": func(s *harness.Service, email string) {
			s.Must("", harness.RequestVerification, harness.Input("email", email))
			var v verified
			s.Must("", harness.VerifyEmail, harness.Input("email", email, "code", s.CodeTo(email, "verify_email", 2))).Into(t, &v)
			if !v.VerifyEmail.PasswordCleared || v.VerifyEmail.Tokens == nil || v.VerifyEmail.User.Email != email {
				t.Errorf("%+v", v)
			}
			s.Must(v.VerifyEmail.Tokens.AccessToken, harness.RequestReset, harness.Input("email", email))
			s.Must("", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 2), "newPassword", harness.NewPassword))
		},
		"by a new password": func(s *harness.Service, email string) {
			s.Must("", harness.RequestReset, harness.Input("email", email))
			s.Must("", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 2), "newPassword", harness.NewPassword))
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t).Work()
			mallory := s.SignUp(nil) // with another person's address
			b := &harness.Browser{Service: s}
			if r := b.Do(harness.SignInMutation, harness.Input("email", mallory.Email, "password", harness.Password, "session", "COOKIE")); len(r.Errors) > 0 {
				t.Fatal(r.Body)
			}
			s.Must(mallory.Token, harness.RequestVerification, harness.Input("email", mallory.Email))
			s.Must(mallory.Token, harness.RequestReset, harness.Input("email", mallory.Email))
			codes := map[string]string{"verify": s.CodeTo(mallory.Email, "verify_email", 1), "reset": s.CodeTo(mallory.Email, "reset_password", 1)}
			prove(s, mallory.Email)
			s.ExpectNoSession(mallory.Token, "revoked")
			if r := b.Do(`{ me { id } }`, nil); string(r.Data) != `{"me":null}` {
				t.Errorf("the browser: %s", r.Body)
			}
			if r := s.Do("", harness.RefreshMutation, harness.Vars{"t": mallory.Refresh}); r.Code() != "UNAUTHENTICATED" {
				t.Errorf("the refresh token: %s", r.Body)
			}
			if r := s.TrySignIn(mallory.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
				t.Errorf("the password: %s", r.Body)
			}
			s.ExpectFault("a code to verify", s.Do("", harness.VerifyEmail, harness.Input("email", mallory.Email, "code", codes["verify"])), harness.WrongCode)
			s.ExpectFault("a code to reset", s.Do("", harness.ResetPassword, harness.Input("email", mallory.Email, "code", codes["reset"], "newPassword", harness.Password)), harness.WrongCode)
			if r := s.TrySignIn(mallory.Email, harness.NewPassword); len(r.Errors) > 0 {
				t.Errorf("the owner: %s", r.Body)
			}
		})
	}
}

// S03: a reset revokes all sessions of the account and verifies its address. The owner gets a mail.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, bystander := s.SignUpAs("anneliese", nil), s.SignUp(nil)
	other := s.SignIn(a.Email)
	s.Must("", harness.RequestReset, harness.Input("email", strings.ToUpper(a.Email)))
	code := s.CodeTo(a.Email, "reset_password", 1)
	for what, c := range map[string]struct {
		password string
		fault    string
	}{
		"short": {"short", "input.newPassword TOO_SHORT"}, "common": {"password123", "input.newPassword TOO_COMMON"},
		"long": {strings.Repeat("x", 257), "input.newPassword TOO_LONG"}, "personal": {"Anne-Liese.12", "input.newPassword TOO_PERSONAL"},
	} {
		s.ExpectFault(what, s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", c.password)), c.fault)
	}
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", harness.NewPassword)) // errors did not use it up
	for _, token := range []string{a.Token, other} {
		s.ExpectNoSession(token, "revoked")
	}
	if r := s.TrySignIn(a.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old password: %s", r.Body)
	}
	var in struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	r := s.TrySignIn(a.Email, harness.NewPassword)
	r.Into(t, &in)
	if r := s.Do(in.SignIn.Tokens.AccessToken, `{ me { emailVerified } }`, nil); string(r.Data) != `{"me":{"emailVerified":true}}` {
		t.Errorf("afterwards: %s", r.Body)
	}
	want := []string{"SIGNED_IN", "SIGN_IN_REFUSED", "PASSWORD_RESET", "SIGNED_IN", "SIGNED_UP"}
	if d := cmp.Diff(want, eventKinds(s, in.SignIn.Tokens.AccessToken)); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if m := s.MailTo(a.Email, "password_changed", 1); !strings.Contains(m.Text, a.Username) {
		t.Errorf("the mail: %s", m.Text)
	}
	if r := s.Do(bystander.Token, harness.MeQuery, nil); !strings.Contains(r.Body, bystander.Email) {
		t.Errorf("somebody else: %s", r.Body)
	}
}

// P04: the reply is identical whatever is wrong with a code, and no code is used up.
func TestWrongCodesAreOneError(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, v, expired := s.SignUp(nil), s.SignUp(nil), s.SignUp(nil)
	for _, x := range []harness.Account{a, v, expired} {
		s.Must("", harness.RequestReset, harness.Input("email", x.Email))
		s.Must("", harness.RequestVerification, harness.Input("email", x.Email))
	}
	mine, theirs, late := s.CodeTo(a.Email, "reset_password", 1), s.CodeTo(v.Email, "reset_password", 1), s.CodeTo(expired.Email, "reset_password", 1)
	toVerify, theirsToVerify, lateToVerify := s.CodeTo(a.Email, "verify_email", 1), s.CodeTo(v.Email, "verify_email", 1), s.CodeTo(expired.Email, "verify_email", 1)
	s.DB.Query(t, `UPDATE app.codes SET expires_at = now() - interval '1 second' WHERE user_id = $1`, expired.UserID)
	want := s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", "0000-0000", "newPassword", harness.NewPassword))
	s.ExpectFault("a wrong code", want, harness.WrongCode)
	for what, c := range map[string]struct{ email, code string }{
		"of another account": {v.Email, mine}, "for another account": {a.Email, theirs}, "expired": {expired.Email, late},
		"of another purpose": {a.Email, toVerify}, "empty": {a.Email, ""}, "not a code": {a.Email, strings.Repeat("x\x00", 1000)},
		"unknown address": {"nobody@example.org", mine}, "one letter off": {a.Email, mine[:8] + string("0123456789ABCDEFGH"[len(mine)%18])},
	} {
		if c.code == mine && c.email == a.Email {
			continue
		}
		if r := s.Do("", harness.ResetPassword, harness.Input("email", c.email, "code", c.code, "newPassword", harness.NewPassword)); r.Body != want.Body || r.Status != want.Status {
			t.Errorf("reset, %s: %s, want %s", what, r.Body, want.Body)
		}
	}
	want = s.Do(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", "0000-0000"))
	s.ExpectFault("a wrong code", want, harness.WrongCode)
	for what, c := range map[string]struct{ token, email, code string }{
		"of another account": {a.Token, v.Email, toVerify}, "for another account": {a.Token, a.Email, theirsToVerify}, "expired": {expired.Token, expired.Email, lateToVerify},
		"of another purpose": {a.Token, a.Email, mine}, "empty": {"", a.Email, ""}, "unknown address": {"", "nobody@example.org", toVerify},
	} {
		if r := s.Do(c.token, harness.VerifyEmail, harness.Input("email", c.email, "code", c.code)); r.Body != want.Body || r.Status != want.Status {
			t.Errorf("verify, %s: %s, want %s", what, r.Body, want.Body)
		}
	}
	s.Must("", harness.VerifyEmail, harness.Input("email", v.Email, "code", theirsToVerify))
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", mine, "newPassword", harness.NewPassword))
}

// P07: a code is invalid after a newer one, and after any change of email address or password.
func TestOlderCodesAreDead(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	for what, change := range map[string]func(a harness.Account){
		"a newer code": func(a harness.Account) {
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
			s.CodeTo(a.Email, "reset_password", 2)
			s.CodeTo(a.Email, "verify_email", 2)
		},
		"a change of the password": func(a harness.Account) {
			s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
		},
		"a change of the e-mail": func(a harness.Account) {
			s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
			s.Must(a.Token, harness.VerifyEmail, harness.Input("email", "new-"+a.Email, "code", s.CodeTo("new-"+a.Email, "change_email", 1)))
		},
		"a verification": func(a harness.Account) {
			s.DB.Query(t, `UPDATE app.codes SET expires_at = expires_at + interval '1 minute' WHERE user_id = $1`, a.UserID) // any address will do
			s.Must(a.Token, harness.RequestVerification, harness.Input("email", a.Email))
			s.Must(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "verify_email", 2)))
		},
	} {
		a := s.SignUp(nil)
		s.Must("", harness.RequestReset, harness.Input("email", a.Email))
		s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
		reset, verify := s.CodeTo(a.Email, "reset_password", 1), s.CodeTo(a.Email, "verify_email", 1)
		change(a)
		s.ExpectFault(what+", reset", s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", reset, "newPassword", harness.NewPassword+"!")), harness.WrongCode)
		s.ExpectFault(what+", verify", s.Do(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", verify)), harness.WrongCode)
	}
}
