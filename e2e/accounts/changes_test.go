package accounts

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// S02: a password change revokes the other sessions of the account. The session that changed it continues.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUpAs("anneliese", nil)
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now()`) // else the name would not be in the mail
	stolen := s.SignIn(a.Email)
	change := func(token, current, next string) harness.Reply {
		return s.Do(token, harness.ChangePassword, harness.Input("currentPassword", current, "newPassword", next))
	}
	s.ExpectFault("the wrong one", change(stolen, "wrong", harness.NewPassword), "input.currentPassword INVALID")
	s.ExpectFault("a common one", change(stolen, harness.Password, "password123"), "input.newPassword TOO_COMMON")
	s.ExpectFault("a personal one", change(stolen, harness.Password, "anneliese@example.org"), "input.newPassword TOO_PERSONAL")
	if r := change(a.Token, harness.Password, harness.NewPassword); string(r.Data) != `{"changePassword":{"user":{"id":"`+a.UserID+`","hasPassword":true}}}` {
		t.Fatalf("the change: %s", r.Body)
	}
	s.ExpectNoSession(stolen, "revoked")
	if r := s.TrySignIn(a.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old password: %s", r.Body)
	}
	if r := s.TrySignIn(a.Email, harness.NewPassword); len(r.Errors) > 0 {
		t.Errorf("the new password: %s", r.Body)
	}
	if d := cmp.Diff([]string{"SIGNED_IN", "SIGN_IN_REFUSED", "PASSWORD_CHANGED", "SIGNED_IN", "SIGNED_UP"}, eventKinds(s, a.Token)); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if m := s.MailTo(a.Email, "password_changed", 1); !strings.Contains(m.Text, "anneliese") || strings.Contains(m.Text+m.HTML, harness.NewPassword) {
		t.Errorf("the mail: %s", m.Text)
	}
	if r := s.Do("", harness.RefreshMutation, harness.Vars{"t": a.Refresh}); len(r.Errors) > 0 {
		t.Errorf("the session that asked: %s", r.Body)
	}
}

// S11: what the thief of a session would do to keep the account requires the password if it was entered long ago.
func TestSensitiveActsAskForThePassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	s.AgeAuthentication(a)
	acts := map[string]func() harness.Reply{
		"changeEmail": func() harness.Reply {
			return s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
		},
		"changeUsername": func() harness.Reply {
			return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", "new-"+a.Username))
		},
	}
	for name, act := range acts {
		if r := act(); r.Code() != "REAUTH_REQUIRED" || string(r.Data) != `{"`+name+`":null}` {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	if r := s.Do(a.Token, `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } revokeOtherSessions { count } }`, nil); len(r.Errors) > 0 {
		t.Errorf("what is not sensitive: %s", r.Body)
	}
	s.ExpectFault("the wrong password", s.Do(a.Token, harness.Reauthenticate, harness.Input("password", "wrong")), "input.password INVALID")
	if r := acts["changeUsername"](); r.Code() != "REAUTH_REQUIRED" {
		t.Errorf("after a wrong password: %s", r.Body)
	}
	another := s.SignIn(a.Email) // another session
	s.AgeAuthentication(a)
	s.Must(another, harness.Reauthenticate, harness.Input("password", harness.Password))
	if r := acts["changeUsername"](); r.Code() != "REAUTH_REQUIRED" {
		t.Errorf("after another session has reauthenticated: %s", r.Body)
	}
	s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	for name, act := range acts {
		if r := act(); len(r.Errors) > 0 {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	if kinds := eventKinds(s, a.Token); !slices.Contains(kinds, "REAUTHENTICATED") {
		t.Errorf("events: %v", kinds)
	}
	s.AgeAuthentication(a)
	s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword)) // a proof of its own
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "newer-"+a.Email))
}

// A session of the account must verify the new address before it replaces the old one. Both addresses get a mail.
func TestChangeEmail(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, v := s.SignUp(nil), s.SignUp(nil)
	next := "Next-" + a.Email
	if r := s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", v.Email)); r.Code() != "CONFLICT" || !slices.Equal(r.Fields(), []string{"input.newEmail TAKEN"}) {
		t.Errorf("another's: %s", r.Body)
	}
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "first-"+a.Email))
	first := s.CodeTo("first-"+a.Email, "change_email", 1)
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", next))
	code := s.CodeTo(next, "change_email", 1)
	if r := s.Do(a.Token, `{ me { email } }`, nil); string(r.Data) != `{"me":{"email":"`+a.Email+`"}}` {
		t.Errorf("before it is verified: %s", r.Body)
	}
	s.ExpectFault("the first change", s.Do(a.Token, harness.VerifyEmail, harness.Input("email", "first-"+a.Email, "code", first)), harness.WrongCode)
	s.ExpectFault("by an anonymous viewer", s.Do("", harness.VerifyEmail, harness.Input("email", next, "code", code)), harness.WrongCode)
	s.ExpectFault("by another", s.Do(v.Token, harness.VerifyEmail, harness.Input("email", next, "code", code)), harness.WrongCode)
	var got verified
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", strings.ToUpper(next), "code", code)).Into(t, &got)
	if u := got.VerifyEmail.User; u.Email != next || !u.EmailVerified || u.ID != a.UserID || got.VerifyEmail.Tokens != nil {
		t.Errorf("changed to %+v", got)
	}
	s.MailTo(a.Email, "email_changed_old", 1)
	s.MailTo(next, "email_changed_new", 1)
	if r := s.TrySignIn(a.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old address: %s", r.Body)
	}
	if r := s.TrySignIn(next, harness.Password); len(r.Errors) > 0 {
		t.Errorf("the new address: %s", r.Body)
	}
	if kinds := eventKinds(s, a.Token); !slices.Contains(kinds, "EMAIL_CHANGED") {
		t.Errorf("events: %v", kinds)
	}
	again := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.Password, "username": "somebody-else"}}) // D12: the address is free
	if len(again.Errors) > 0 {
		t.Errorf("the old address, by another user: %s", again.Body)
	}
}

// The old name is held for the user who gave it up.
func TestChangeUsername(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, v := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	name := "Renamed-" + a.Username[len("member-"):]
	r := s.Must(a.Token, harness.ChangeUsername, harness.Input("username", name))
	if want := `{"changeUsername":{"profile":{"id":"` + a.ProfileID + `","username":"` + name + `","user":{"id":"` + a.UserID + `"}}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	s.Must(a.Token, harness.ChangeUsername, harness.Input("username", strings.ToLower(name))) // its own name in another spelling
	const lookUp = `query ($u: String!) { usernameAvailable(username: $u) profile(username: $u) { id } }`
	if r := s.Do("", lookUp, harness.Vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":false,"profile":null}` {
		t.Errorf("the old name: %s", r.Body)
	}
	for what, r := range map[string]harness.Reply{
		"another's change": s.Do(v.Token, harness.ChangeUsername, harness.Input("username", strings.ToUpper(a.Username))),
		"a sign-up":        s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x@example.org", "password": harness.Password, "username": a.Username}}),
	} {
		if r.Code() != "CONFLICT" || !slices.Equal(r.Fields(), []string{"input.username TAKEN"}) {
			t.Errorf("the old name by %s: %s", what, r.Body)
		}
	}
	s.Must(a.Token, harness.ChangeUsername, harness.Input("username", a.Username)) // and back
	s.Must(a.Token, harness.ChangeUsername, harness.Input("username", name))
	s.DB.Query(t, `UPDATE app.held_usernames SET held_until = now()`)
	if r := s.Do("", lookUp, harness.Vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":true,"profile":null}` {
		t.Errorf("the old name after a while: %s", r.Body)
	}
	s.Must(v.Token, harness.ChangeUsername, harness.Input("username", a.Username))
	if r := s.Do(a.Token, harness.ChangeUsername, harness.Input("username", a.Username)); r.Code() != "CONFLICT" {
		t.Errorf("the old name after another has got it: %s", r.Body)
	}
	if kinds := eventKinds(s, a.Token); !slices.Contains(kinds, "USERNAME_CHANGED") {
		t.Errorf("events: %v", kinds)
	}
}

// S04, D12: nothing of a deleted account is left in any table, and the next owner of its address or username gets nothing of
// it.
func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, "FREEHOLD_RATE_LIMIT=on").Work()
	a, bystander := s.SignUp(harness.Vars{"visibility": "PUBLIC", "bio": "Canary bio", "phoneNumber": "+4930123456"}), s.SignUp(nil)
	other := s.SignIn(a.Email)
	s.TrySignIn(a.Email, "wrong")
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "next-"+a.Email))
	reset := s.CodeTo(a.Email, "reset_password", 1)
	s.CodeTo("next-"+a.Email, "change_email", 1)
	s.ExpectFault("the wrong password", s.Do(a.Token, harness.DeleteAccount, harness.Input("password", "wrong")), "input.password INVALID")
	r := s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
	if string(r.Data) != `{"deleteAccount":{"deletedUserId":"`+a.UserID+`","deletedProfileId":"`+a.ProfileID+`"}}` {
		t.Errorf("the answer: %s", r.Body)
	}
	for _, token := range []string{a.Token, other} {
		s.ExpectNoSession(token, "invalid")
	}
	if m := s.MailTo(a.Email, "account_deleted", 1); strings.Contains(m.Text, a.Username) { // the address is not verified
		t.Errorf("the mail: %s", m.Text)
	}
	s.ExpectFault("a code", s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", reset, "newPassword", harness.NewPassword)), harness.WrongCode)
	s.AwaitOutbox()
	for _, row := range s.AllRows() {
		table, _, _ := strings.Cut(row, " ")
		for _, canary := range []string{a.UserID, a.ProfileID, "Canary bio", "+4930123456", a.Email} {
			if strings.Contains(row, canary) && table != "app.outbox" { // sent mails are kept for a week
				t.Errorf("%q is left: %s", canary, row)
			}
		}
	}
	if r := s.Do("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":false}` {
		t.Errorf("its name: %s", r.Body)
	}
	s.DB.Query(t, `UPDATE app.held_usernames SET held_until = now()`)
	next := harness.Account{Username: a.Username, Email: a.Email}
	next.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.NewPassword, "username": a.Username}}))
	r = s.Must(next.Token, `{ me { email emailVerified profile { bio phoneNumber visibility } sessions { nodes { id } } securityEvents { nodes { kind } } } }`, nil)
	if strings.Contains(r.Body, "Canary") || strings.Count(r.Body, `"kind"`) != 1 || strings.Count(r.Body, `"id"`) != 1 || !strings.Contains(r.Body, `"emailVerified":false`) {
		t.Errorf("the next owner: %s", r.Body)
	}
	if r := s.Do(bystander.Token, harness.MeQuery, nil); !strings.Contains(r.Body, bystander.Email) {
		t.Errorf("another user: %s", r.Body)
	}
}

// A deleted account in a browser: its cookies are deleted too.
func TestDeletedAccountDeletesItsCookies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b := &harness.Browser{Service: s}
	r := b.Do(harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "ann@example.org", "password": harness.Password, "username": "ann", "session": "COOKIE"}})
	if len(r.Errors) > 0 || b.Access == "" {
		t.Fatalf("sign up: %s", r.Body)
	}
	if r := b.Do(harness.DeleteAccount, harness.Input("password", harness.Password)); len(r.Errors) > 0 || b.Access != "" {
		t.Errorf("delete: %s, and the cookie is %q", r.Body, b.Access)
	}
}
