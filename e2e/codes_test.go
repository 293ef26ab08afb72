package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	requestVerification = `mutation ($i: RequestEmailVerificationInput!) { requestEmailVerification(input: $i) { success } }`
	verifyEmail         = `mutation ($i: VerifyEmailInput!) { verifyEmail(input: $i) { user { id email emailVerified profile { id username visibility } } tokens { accessToken refreshToken } passwordCleared } }`
	requestReset        = `mutation ($i: RequestPasswordResetInput!) { requestPasswordReset(input: $i) { success } }`
	resetPassword       = `mutation ($i: ResetPasswordInput!) { resetPassword(input: $i) { success } }`
	changePassword      = `mutation ($i: ChangePasswordInput!) { changePassword(input: $i) { user { id hasPassword } } }`
	changeEmail         = `mutation ($i: ChangeEmailInput!) { changeEmail(input: $i) { user { id email pendingEmail } } }`
	changeUsername      = `mutation ($i: ChangeUsernameInput!) { changeUsername(input: $i) { profile { id username user { id } } } }`
	deleteAccount       = `mutation ($i: DeleteAccountInput!) { deleteAccount(input: $i) { deletedUserId deletedProfileId } }`
	reauthenticate      = `mutation ($i: ReauthenticateInput!) { reauthenticate(input: $i) { user { id reauthenticatedUntil } } }`
)

const newPassword = "a quite different sentence"

// input is the variables of an operation with one input.
func input(pairs ...any) vars {
	i := vars{}
	for n := 0; n < len(pairs); n += 2 {
		i[pairs[n].(string)] = pairs[n+1]
	}
	return vars{"i": i}
}

// must is do for what has to go well.
func (s *service) must(token, query string, v vars) reply {
	s.t.Helper()
	r := s.do(token, query, v)
	if len(r.Errors) > 0 {
		s.t.Fatalf("%s %v: %s", query, v, r.Body)
	}
	return r
}

// mailTo returns the newest mail of a kind to an address, once there are so many of them.
func (s *service) mailTo(to, kind string, n int) mailInBox {
	s.t.Helper()
	var all []mailInBox
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		all = slices.DeleteFunc(s.mailbox(0), func(m mailInBox) bool { return m.To != to || m.Kind != kind })
		if len(all) >= n {
			return all[0]
		}
	}
	s.t.Fatalf("%d mails of kind %s to %s, want %d", len(all), kind, to, n)
	return mailInBox{}
}

var codeInText = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`)

// codeTo is the code of the newest mail of a kind to an address, once there are so many.
func (s *service) codeTo(to, kind string, n int) string {
	s.t.Helper()
	m := s.mailTo(to, kind, n)
	code := codeInText.FindString(m.Text)
	if code == "" {
		s.t.Fatalf("no code in %s", m.Text)
	}
	return code
}

// trySignIn is a sign-in that may fail.
func (s *service) trySignIn(email, password string) reply {
	s.t.Helper()
	return s.do("", signInMutation, input("email", email, "password", password))
}

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

// expectFault expects an error of one field, "path CODE".
func (s *service) expectFault(what string, r reply, field string) {
	s.t.Helper()
	if got := r.fields(); !slices.Equal(got, []string{field}) {
		s.t.Errorf("%s: %s, want the fault %s", what, r.Body, field)
	}
}

const wrongCode = "input.code INVALID"

// Whoever is signed in proves his address by the code that was sent to it, and goes on with his session.
func TestVerifyEmail(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUp(nil)
	other := s.signIn(a.Email)
	s.must(a.Token, requestVerification, input("email", strings.ToUpper(a.Email)))
	m := s.mailTo(a.Email, "verify_email", 1) // as the account spells it
	code := codeInText.FindString(m.Text)
	var v verified
	s.must(a.Token, verifyEmail, input("email", a.Email, "code", " "+strings.ToLower(code))).into(t, &v)
	if got := v.VerifyEmail; got.User.ID != a.UserID || !got.User.EmailVerified || got.Tokens != nil || got.PasswordCleared {
		t.Errorf("verified as %+v", got)
	}
	for _, token := range []string{a.Token, other, s.signIn(a.Email)} {
		if r := s.do(token, `{ me { emailVerified } }`, nil); string(r.Data) != `{"me":{"emailVerified":true}}` {
			t.Errorf("afterwards: %s", r.Body)
		}
	}
	s.expectFault("the code again", s.do(a.Token, verifyEmail, input("email", a.Email, "code", code)), wrongCode)
	s.must("", requestVerification, input("email", a.Email)) // there is nothing to verify any more, which is not told
	if kinds := s.eventKinds(a.Token); !slices.Contains(kinds, "EMAIL_VERIFIED") {
		t.Errorf("events: %v", kinds)
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(s.mailbox(0)); n != 1 {
		t.Errorf("%d mails were sent, want 1", n)
	}
}

// eventKinds are what has happened to an account, newest first.
func (s *service) eventKinds(token string) (kinds []string) {
	s.t.Helper()
	var data struct {
		Me struct {
			SecurityEvents struct{ Nodes []struct{ Kind string } }
		}
	}
	s.must(token, `{ me { securityEvents(first: 100) { nodes { kind } } } }`, nil).into(s.t, &data)
	for _, n := range data.Me.SecurityEvents.Nodes {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// P08: somebody has signed up with another's address. Whoever proves the address from outside of the account gets it, and
// nothing by which it was reached before counts any more: sessions, password, codes.
func TestProvingAnAddressShutsOthersOut(t *testing.T) {
	t.Parallel()
	for how, prove := range map[string]func(s *service, email string){
		"by verifying": func(s *service, email string) {
			s.must("", requestVerification, input("email", email))
			var v verified
			s.must("", verifyEmail, input("email", email, "code", s.codeTo(email, "verify_email", 2))).into(t, &v)
			if !v.VerifyEmail.PasswordCleared || v.VerifyEmail.Tokens == nil || v.VerifyEmail.User.Email != email {
				t.Errorf("%+v", v)
			}
			s.must(v.VerifyEmail.Tokens.AccessToken, requestReset, input("email", email))
			s.must("", resetPassword, input("email", email, "code", s.codeTo(email, "reset_password", 2), "newPassword", newPassword))
		},
		"by a new password": func(s *service, email string) {
			s.must("", requestReset, input("email", email))
			s.must("", resetPassword, input("email", email, "code", s.codeTo(email, "reset_password", 2), "newPassword", newPassword))
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := start(t).work()
			mallory := s.signUp(nil) // with an address that is not his
			b := &browser{service: s}
			if r := b.do(signInMutation, input("email", mallory.Email, "password", password, "session", "COOKIE")); len(r.Errors) > 0 {
				t.Fatal(r.Body)
			}
			s.must(mallory.Token, requestVerification, input("email", mallory.Email))
			s.must(mallory.Token, requestReset, input("email", mallory.Email))
			codes := map[string]string{"verify": s.codeTo(mallory.Email, "verify_email", 1), "reset": s.codeTo(mallory.Email, "reset_password", 1)}
			prove(s, mallory.Email)
			s.expectNobody(mallory.Token, "revoked")
			if r := b.do(`{ me { id } }`, nil); string(r.Data) != `{"me":null}` {
				t.Errorf("the browser: %s", r.Body)
			}
			if r := s.do("", refreshMutation, vars{"t": mallory.Refresh}); r.code() != "UNAUTHENTICATED" {
				t.Errorf("the refresh token: %s", r.Body)
			}
			if r := s.trySignIn(mallory.Email, password); r.code() != "INVALID_CREDENTIALS" {
				t.Errorf("the password: %s", r.Body)
			}
			s.expectFault("a code to verify", s.do("", verifyEmail, input("email", mallory.Email, "code", codes["verify"])), wrongCode)
			s.expectFault("a code to reset", s.do("", resetPassword, input("email", mallory.Email, "code", codes["reset"], "newPassword", password)), wrongCode)
			if r := s.trySignIn(mallory.Email, newPassword); len(r.Errors) > 0 {
				t.Errorf("the owner: %s", r.Body)
			}
		})
	}
}

// S03: after a reset no session of the account counts; its address counts as proved, and its owner is told.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a, bystander := s.signUpAs("anneliese", nil), s.signUp(nil)
	other := s.signIn(a.Email)
	s.must("", requestReset, input("email", strings.ToUpper(a.Email)))
	code := s.codeTo(a.Email, "reset_password", 1)
	for what, c := range map[string]struct {
		password string
		fault    string
	}{
		"short": {"short", "input.newPassword TOO_SHORT"}, "common": {"password123", "input.newPassword TOO_COMMON"},
		"long": {strings.Repeat("x", 257), "input.newPassword TOO_LONG"}, "personal": {"Anne-Liese.12", "input.newPassword TOO_PERSONAL"},
	} {
		s.expectFault(what, s.do("", resetPassword, input("email", a.Email, "code", code, "newPassword", c.password)), c.fault)
	}
	s.must("", resetPassword, input("email", a.Email, "code", code, "newPassword", newPassword)) // faults have not used it
	for _, token := range []string{a.Token, other} {
		s.expectNobody(token, "revoked")
	}
	if r := s.trySignIn(a.Email, password); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old password: %s", r.Body)
	}
	var in struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	r := s.trySignIn(a.Email, newPassword)
	r.into(t, &in)
	if r := s.do(in.SignIn.Tokens.AccessToken, `{ me { emailVerified } }`, nil); string(r.Data) != `{"me":{"emailVerified":true}}` {
		t.Errorf("afterwards: %s", r.Body)
	}
	want := []string{"SIGNED_IN", "SIGN_IN_REFUSED", "PASSWORD_RESET", "SIGNED_IN", "SIGNED_UP"}
	if d := cmp.Diff(want, s.eventKinds(in.SignIn.Tokens.AccessToken)); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if m := s.mailTo(a.Email, "password_changed", 1); !strings.Contains(m.Text, a.Username) {
		t.Errorf("told: %s", m.Text)
	}
	if r := s.do(bystander.Token, meQuery, nil); !strings.Contains(r.Body, bystander.Email) {
		t.Errorf("somebody else: %s", r.Body)
	}
}

// P04: whatever is wrong with a code, the answer is the same to the letter, and uses no code up.
func TestWrongCodesAreOneError(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a, v, expired := s.signUp(nil), s.signUp(nil), s.signUp(nil)
	for _, x := range []account{a, v, expired} {
		s.must("", requestReset, input("email", x.Email))
		s.must("", requestVerification, input("email", x.Email))
	}
	mine, theirs, late := s.codeTo(a.Email, "reset_password", 1), s.codeTo(v.Email, "reset_password", 1), s.codeTo(expired.Email, "reset_password", 1)
	toVerify, theirsToVerify, lateToVerify := s.codeTo(a.Email, "verify_email", 1), s.codeTo(v.Email, "verify_email", 1), s.codeTo(expired.Email, "verify_email", 1)
	s.db.Query(t, `UPDATE app.codes SET expires_at = now() - interval '1 second' WHERE user_id = $1`, expired.UserID)
	want := s.do("", resetPassword, input("email", a.Email, "code", "0000-0000", "newPassword", newPassword))
	s.expectFault("a wrong code", want, wrongCode)
	for what, c := range map[string]struct{ email, code string }{
		"of another account": {v.Email, mine}, "for another account": {a.Email, theirs}, "expired": {expired.Email, late},
		"of another purpose": {a.Email, toVerify}, "empty": {a.Email, ""}, "not a code": {a.Email, strings.Repeat("x\x00", 1000)},
		"unknown address": {"nobody@example.org", mine}, "one letter off": {a.Email, mine[:8] + string("0123456789ABCDEFGH"[len(mine)%18])},
	} {
		if c.code == mine && c.email == a.Email {
			continue
		}
		if r := s.do("", resetPassword, input("email", c.email, "code", c.code, "newPassword", newPassword)); r.Body != want.Body || r.Status != want.Status {
			t.Errorf("reset, %s: %s, want %s", what, r.Body, want.Body)
		}
	}
	want = s.do(a.Token, verifyEmail, input("email", a.Email, "code", "0000-0000"))
	s.expectFault("a wrong code", want, wrongCode)
	for what, c := range map[string]struct{ token, email, code string }{
		"of another account": {a.Token, v.Email, toVerify}, "for another account": {a.Token, a.Email, theirsToVerify}, "expired": {expired.Token, expired.Email, lateToVerify},
		"of another purpose": {a.Token, a.Email, mine}, "empty": {"", a.Email, ""}, "unknown address": {"", "nobody@example.org", toVerify},
	} {
		if r := s.do(c.token, verifyEmail, input("email", c.email, "code", c.code)); r.Body != want.Body || r.Status != want.Status {
			t.Errorf("verify, %s: %s, want %s", what, r.Body, want.Body)
		}
	}
	s.must("", verifyEmail, input("email", v.Email, "code", theirsToVerify))
	s.must("", resetPassword, input("email", a.Email, "code", mine, "newPassword", newPassword))
}

// P07: a code is dead after a newer one, and after any change of e-mail or password, whoever made that.
func TestOlderCodesAreDead(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	for what, change := range map[string]func(a account){
		"a newer code": func(a account) {
			s.must("", requestReset, input("email", a.Email))
			s.must("", requestVerification, input("email", a.Email))
			s.codeTo(a.Email, "reset_password", 2)
			s.codeTo(a.Email, "verify_email", 2)
		},
		"a change of the password": func(a account) {
			s.must(a.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
		},
		"a change of the e-mail": func(a account) {
			s.must(a.Token, changeEmail, input("newEmail", "new-"+a.Email))
			s.must(a.Token, verifyEmail, input("email", "new-"+a.Email, "code", s.codeTo("new-"+a.Email, "change_email", 1)))
		},
		"a verification": func(a account) {
			s.db.Query(t, `UPDATE app.codes SET expires_at = expires_at + interval '1 minute' WHERE user_id = $1`, a.UserID) // it may be any
			s.must(a.Token, requestVerification, input("email", a.Email))
			s.must(a.Token, verifyEmail, input("email", a.Email, "code", s.codeTo(a.Email, "verify_email", 2)))
		},
	} {
		a := s.signUp(nil)
		s.must("", requestReset, input("email", a.Email))
		s.must("", requestVerification, input("email", a.Email))
		reset, verify := s.codeTo(a.Email, "reset_password", 1), s.codeTo(a.Email, "verify_email", 1)
		change(a)
		s.expectFault(what+", reset", s.do("", resetPassword, input("email", a.Email, "code", reset, "newPassword", newPassword+"!")), wrongCode)
		s.expectFault(what+", verify", s.do(a.Token, verifyEmail, input("email", a.Email, "code", verify)), wrongCode)
	}
}
