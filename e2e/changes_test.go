package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/db/dbtest"
)

// signedInLongAgo makes all sessions of an account ones whose password was entered long ago.
func (s *service) signedInLongAgo(a account) {
	s.t.Helper()
	s.db.Query(s.t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes' WHERE user_id = $1`, a.UserID)
}

// S02: after a change of the password no other session of the account counts, and the one that asked goes on.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUpAs("anneliese", nil)
	s.db.Query(t, `UPDATE app.user_private SET email_verified_at = now()`) // or the mail would not hold its name
	stolen := s.signIn(a.Email)
	change := func(token, current, next string) reply {
		return s.do(token, changePassword, input("currentPassword", current, "newPassword", next))
	}
	s.expectFault("the wrong one", change(stolen, "wrong", newPassword), "input.currentPassword INVALID")
	s.expectFault("a common one", change(stolen, password, "password123"), "input.newPassword TOO_COMMON")
	s.expectFault("a personal one", change(stolen, password, "anneliese@example.org"), "input.newPassword TOO_PERSONAL")
	if r := change(a.Token, password, newPassword); string(r.Data) != `{"changePassword":{"user":{"id":"`+a.UserID+`","hasPassword":true}}}` {
		t.Fatalf("the change: %s", r.Body)
	}
	s.expectNobody(stolen, "revoked")
	if r := s.trySignIn(a.Email, password); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old password: %s", r.Body)
	}
	if r := s.trySignIn(a.Email, newPassword); len(r.Errors) > 0 {
		t.Errorf("the new password: %s", r.Body)
	}
	if d := cmp.Diff([]string{"SIGNED_IN", "SIGN_IN_REFUSED", "PASSWORD_CHANGED", "SIGNED_IN", "SIGNED_UP"}, s.eventKinds(a.Token)); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if m := s.mailTo(a.Email, "password_changed", 1); !strings.Contains(m.Text, "anneliese") || strings.Contains(m.Text+m.HTML, newPassword) {
		t.Errorf("told: %s", m.Text)
	}
	if r := s.do("", refreshMutation, vars{"t": a.Refresh}); len(r.Errors) > 0 {
		t.Errorf("the session that asked: %s", r.Body)
	}
}

// S11: what a thief of a session would do to keep the account asks for the password, when that was entered long ago.
func TestSensitiveActsAskForThePassword(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUp(nil)
	s.signedInLongAgo(a)
	acts := map[string]func() reply{
		"changeEmail":    func() reply { return s.do(a.Token, changeEmail, input("newEmail", "new-"+a.Email)) },
		"changeUsername": func() reply { return s.do(a.Token, changeUsername, input("username", "new-"+a.Username)) },
	}
	for name, act := range acts {
		if r := act(); r.code() != "REAUTH_REQUIRED" || string(r.Data) != `{"`+name+`":null}` {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	if r := s.do(a.Token, `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } revokeOtherSessions { count } }`, nil); len(r.Errors) > 0 {
		t.Errorf("what is not sensitive: %s", r.Body)
	}
	s.expectFault("the wrong password", s.do(a.Token, reauthenticate, input("password", "wrong")), "input.password INVALID")
	if r := acts["changeUsername"](); r.code() != "REAUTH_REQUIRED" {
		t.Errorf("after a wrong password: %s", r.Body)
	}
	another := s.signIn(a.Email) // which is another session
	s.signedInLongAgo(a)
	s.must(another, reauthenticate, input("password", password))
	if r := acts["changeUsername"](); r.code() != "REAUTH_REQUIRED" {
		t.Errorf("after another session has proved itself: %s", r.Body)
	}
	s.must(a.Token, reauthenticate, input("password", password))
	for name, act := range acts {
		if r := act(); len(r.Errors) > 0 {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	if kinds := s.eventKinds(a.Token); !slices.Contains(kinds, "REAUTHENTICATED") {
		t.Errorf("events: %v", kinds)
	}
	s.signedInLongAgo(a)
	s.must(a.Token, changePassword, input("currentPassword", password, "newPassword", newPassword)) // which is a proof itself
	s.must(a.Token, changeEmail, input("newEmail", "newer-"+a.Email))
}

// The new address is proved before it is the account's, by the account's own session, and both addresses are told.
func TestChangeEmail(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a, v := s.signUp(nil), s.signUp(nil)
	next := "Next-" + a.Email
	if r := s.do(a.Token, changeEmail, input("newEmail", v.Email)); r.code() != "CONFLICT" || !slices.Equal(r.fields(), []string{"input.newEmail TAKEN"}) {
		t.Errorf("another's: %s", r.Body)
	}
	s.must(a.Token, changeEmail, input("newEmail", "first-"+a.Email))
	first := s.codeTo("first-"+a.Email, "change_email", 1)
	s.must(a.Token, changeEmail, input("newEmail", next))
	code := s.codeTo(next, "change_email", 1)
	if r := s.do(a.Token, `{ me { email } }`, nil); string(r.Data) != `{"me":{"email":"`+a.Email+`"}}` {
		t.Errorf("before it is proved: %s", r.Body)
	}
	s.expectFault("the first change", s.do(a.Token, verifyEmail, input("email", "first-"+a.Email, "code", first)), wrongCode)
	s.expectFault("by nobody", s.do("", verifyEmail, input("email", next, "code", code)), wrongCode)
	s.expectFault("by another", s.do(v.Token, verifyEmail, input("email", next, "code", code)), wrongCode)
	var got verified
	s.must(a.Token, verifyEmail, input("email", strings.ToUpper(next), "code", code)).into(t, &got)
	if u := got.VerifyEmail.User; u.Email != next || !u.EmailVerified || u.ID != a.UserID || got.VerifyEmail.Tokens != nil {
		t.Errorf("changed to %+v", got)
	}
	s.mailTo(a.Email, "email_changed_old", 1)
	s.mailTo(next, "email_changed_new", 1)
	if r := s.trySignIn(a.Email, password); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("the old address: %s", r.Body)
	}
	if r := s.trySignIn(next, password); len(r.Errors) > 0 {
		t.Errorf("the new address: %s", r.Body)
	}
	if kinds := s.eventKinds(a.Token); !slices.Contains(kinds, "EMAIL_CHANGED") {
		t.Errorf("events: %v", kinds)
	}
	again := s.do("", signUpMutation, vars{"input": vars{"email": a.Email, "password": password, "username": "somebody-else"}}) // D12: the address is free
	if len(again.Errors) > 0 {
		t.Errorf("the old address, by somebody else: %s", again.Body)
	}
}

// The old name is held for whoever gave it up.
func TestChangeUsername(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, v := s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil)
	name := "Renamed-" + a.Username[len("member-"):]
	r := s.must(a.Token, changeUsername, input("username", name))
	if want := `{"changeUsername":{"profile":{"id":"` + a.ProfileID + `","username":"` + name + `","user":{"id":"` + a.UserID + `"}}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	s.must(a.Token, changeUsername, input("username", strings.ToLower(name))) // its own, spelled otherwise
	const lookUp = `query ($u: String!) { usernameAvailable(username: $u) profile(username: $u) { id } }`
	if r := s.do("", lookUp, vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":false,"profile":null}` {
		t.Errorf("the old name: %s", r.Body)
	}
	for what, r := range map[string]reply{
		"another's change": s.do(v.Token, changeUsername, input("username", strings.ToUpper(a.Username))),
		"a sign-up":        s.do("", signUpMutation, vars{"input": vars{"email": "x@example.org", "password": password, "username": a.Username}}),
	} {
		if r.code() != "CONFLICT" || !slices.Equal(r.fields(), []string{"input.username TAKEN"}) {
			t.Errorf("the old name by %s: %s", what, r.Body)
		}
	}
	s.must(a.Token, changeUsername, input("username", a.Username)) // back again
	s.must(a.Token, changeUsername, input("username", name))
	s.db.Query(t, `UPDATE app.held_usernames SET held_until = now()`)
	if r := s.do("", lookUp, vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":true,"profile":null}` {
		t.Errorf("the old name after a while: %s", r.Body)
	}
	s.must(v.Token, changeUsername, input("username", a.Username))
	if r := s.do(a.Token, changeUsername, input("username", a.Username)); r.code() != "CONFLICT" {
		t.Errorf("the old name after another has got it: %s", r.Body)
	}
	if kinds := s.eventKinds(a.Token); !slices.Contains(kinds, "USERNAME_CHANGED") {
		t.Errorf("events: %v", kinds)
	}
}

// S04, D12: of a deleted account nothing is left, in no table, and nothing of it goes to whoever gets its address or its
// name next.
func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	s := startWith(t, dbtest.New(t), bothWalls, appOptions(), "FREEHOLD_RATE_LIMIT=on").work()
	a, bystander := s.signUp(vars{"visibility": "PUBLIC", "bio": "Canary bio", "phoneNumber": "+4930123456"}), s.signUp(nil)
	other := s.signIn(a.Email)
	s.trySignIn(a.Email, "wrong")
	s.must("", requestReset, input("email", a.Email))
	s.must("", requestVerification, input("email", a.Email))
	s.must(a.Token, changeEmail, input("newEmail", "next-"+a.Email))
	reset := s.codeTo(a.Email, "reset_password", 1)
	s.codeTo("next-"+a.Email, "change_email", 1)
	s.expectFault("the wrong password", s.do(a.Token, deleteAccount, input("password", "wrong")), "input.password INVALID")
	r := s.must(a.Token, deleteAccount, input("password", password))
	if string(r.Data) != `{"deleteAccount":{"deletedUserId":"`+a.UserID+`","deletedProfileId":"`+a.ProfileID+`"}}` {
		t.Errorf("the answer: %s", r.Body)
	}
	for _, token := range []string{a.Token, other} {
		s.expectNobody(token, "invalid")
	}
	if m := s.mailTo(a.Email, "account_deleted", 1); strings.Contains(m.Text, a.Username) { // nobody has proved the address
		t.Errorf("told: %s", m.Text)
	}
	s.expectFault("a code", s.do("", resetPassword, input("email", a.Email, "code", reset, "newPassword", newPassword)), wrongCode)
	s.settled()
	for _, row := range s.everything() {
		table, _, _ := strings.Cut(row, " ")
		for _, canary := range []string{a.UserID, a.ProfileID, "Canary bio", "+4930123456", a.Email} {
			if strings.Contains(row, canary) && table != "app.outbox" { // mails that were sent are kept for a week
				t.Errorf("%q is left: %s", canary, row)
			}
		}
	}
	if r := s.do("", `query ($u: String!) { usernameAvailable(username: $u) }`, vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":false}` {
		t.Errorf("its name: %s", r.Body)
	}
	s.db.Query(t, `UPDATE app.held_usernames SET held_until = now()`)
	next := account{Username: a.Username, Email: a.Email}
	next.fill(t, s.must("", signUpMutation, vars{"input": vars{"email": a.Email, "password": newPassword, "username": a.Username}}))
	r = s.must(next.Token, `{ me { email emailVerified profile { bio phoneNumber visibility } sessions { nodes { id } } securityEvents { nodes { kind } } } }`, nil)
	if strings.Contains(r.Body, "Canary") || strings.Count(r.Body, `"kind"`) != 1 || strings.Count(r.Body, `"id"`) != 1 || !strings.Contains(r.Body, `"emailVerified":false`) {
		t.Errorf("whoever comes next: %s", r.Body)
	}
	if r := s.do(bystander.Token, meQuery, nil); !strings.Contains(r.Body, bystander.Email) {
		t.Errorf("somebody else: %s", r.Body)
	}
}

// An account in a browser: its cookies go with it.
func TestDeletedAccountTakesItsCookiesBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := &browser{service: s}
	r := b.do(signUpMutation, vars{"input": vars{"email": "ann@example.org", "password": password, "username": "ann", "session": "COOKIE"}})
	if len(r.Errors) > 0 || b.access == "" {
		t.Fatalf("sign up: %s", r.Body)
	}
	if r := b.do(deleteAccount, input("password", password)); len(r.Errors) > 0 || b.access != "" {
		t.Errorf("delete: %s, and the cookie is %q", r.Body, b.access)
	}
}
