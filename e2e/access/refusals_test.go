package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// nonesuch is an account that does not exist, with data like those that do.
func nonesuch() harness.Account {
	return harness.Account{UserID: uuid.NewString(), ProfileID: uuid.NewString(), Username: "member-0", Email: "member-0@example.org"}
}

// A08: on each path, a hidden row takes as long as a missing one and gets the same reply. This would catch a second query or
// transaction for hidden rows, and a policy that costs time for each row that it hides.
func TestHiddenTakesAsLongAsMissing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, hidden, missing := s.SignUp(nil), s.SignUp(nil), nonesuch()
	for _, way := range []struct {
		name string
		ask  func(harness.Account) harness.Reply
	}{
		{"updateProfile", func(v harness.Account) harness.Reply {
			return s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": v.ProfileID, "bio": "x"}})
		}},
		{"node", func(v harness.Account) harness.Reply {
			return s.Do(a.Token, `query ($id: ID!) { node(id: $id) { id } }`, harness.Vars{"id": v.ProfileID})
		}},
		{"profile", func(v harness.Account) harness.Reply {
			return s.Do(a.Token, `query ($u: String!) { profile(username: $u) { id } }`, harness.Vars{"u": v.Username})
		}},
		{"_entities", func(v harness.Account) harness.Reply {
			return s.Do(a.Token, harness.EntitiesQuery, harness.Vars{"r": []any{v.AsUser(), v.AsProfile(), v.ByName()}})
		}},
	} {
		want := way.ask(missing)
		ask := func(v harness.Account) func() {
			return func() {
				if r := way.ask(v); r.Body != want.Body || r.Status != want.Status {
					t.Errorf("%s: %d %s, want %d %s", way.name, r.Status, r.Body, want.Status, want.Body)
				}
			}
		}
		harness.SameTime(t, 250, way.name+" of a hidden row", ask(hidden), "of a missing one", ask(missing))
	}
}

// A10: several mutations of a document run in order, and a refused one does not affect the others.
func TestMutationsOfADocumentRunInOrderAndFailAlone(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, seen, hidden := s.SignUp(nil), s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	before := rows(s, seen) + rows(s, hidden)
	r := s.Do(a.Token, `mutation ($seen: ID!, $hidden: ID!) {
		one: updateProfile(input: {bio: "1", displayName: "first"}) { ...P }
		seen: updateProfile(input: {id: $seen, bio: "x"}) { ...P }
		two: updateProfile(input: {bio: "2"}) { ...P }
		hidden: updateProfile(input: {id: $hidden, bio: "x"}) { ...P }
		three: updateProfile(input: {displayName: "third"}) { ...P }
		faulty: updateProfile(input: {bio: "x", phoneNumber: "12"}) { ...P }
		four: updateProfile(input: {bio: "4"}) { ...P }
		signOut { success }
		five: updateProfile(input: {bio: "5"}) { ...P }
	} fragment P on UpdateProfilePayload { profile { displayName bio } }`, harness.Vars{"seen": seen.ProfileID, "hidden": hidden.ProfileID})
	profile := func(displayName, bio string) string {
		return `{"profile":{"displayName":"` + displayName + `","bio":"` + bio + `"}}`
	}
	want := `{"one":` + profile("first", "1") + `,"seen":null,"two":` + profile("first", "2") + `,"hidden":null,"three":` + profile("third", "2") +
		`,"faulty":null,"four":` + profile("third", "4") + `,"signOut":{"success":true},"five":null}`
	if string(r.Data) != want {
		t.Errorf("got  %s\nwant %s", r.Data, want)
	}
	if got, want := refusals(r), []string{"[faulty] BAD_USER_INPUT", "[five] UNAUTHENTICATED", "[hidden] NOT_FOUND", "[seen] FORBIDDEN"}; !slices.Equal(got, want) {
		t.Errorf("errors %v, want %v", got, want)
	}
	if r := s.Do(s.SignIn(a.Email), `{ me { profile { displayName bio } } }`, nil); string(r.Data) != `{"me":`+profile("third", "4")+`}` {
		t.Errorf("read back: %s", r.Body)
	}
	if after := rows(s, seen) + rows(s, hidden); after != before {
		t.Errorf("others' rows changed:\n%s\n%s", before, after)
	}
}

// refusals returns the errors of a reply as "path code", sorted.
func refusals(r harness.Reply) (list []string) {
	for _, e := range r.Errors {
		list = append(list, fmt.Sprint(e.Path, " ", e.Extensions.Code))
	}
	slices.Sort(list)
	return list
}

// A09: a mutation that its resolver refuses, in any way, writes no row of any table, for any account.
func TestRefusedMutationsHaveNoSideEffect(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, seen, hidden, gone, old := s.SignUp(nil), s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil), s.SignUp(nil), s.SignUp(nil)
	s.Do(gone.Token, `mutation { signOut { success } }`, nil)
	s.AgeAuthentication(old)
	const (
		signOut        = `mutation { signOut { success } }`
		signOutOf      = `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`
		completeSignUp = `mutation ($i: CompleteSignUpInput!) { completeSignUp(input: $i) { user { id } } }`
		finishTotp     = `mutation ($i: FinishTotpInput!) { finishTotp(input: $i) { recoveryCodes } }`
		refresh        = `mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { tokens { accessToken } } }`

		finishSecondFactor = `mutation ($i: FinishSecondFactorInput!) { finishSecondFactor(input: $i) { user { id } } }`
	)
	update := func(input harness.Vars) harness.Vars {
		input["bio"] = "Mallory"
		return harness.Vars{"input": input}
	}
	signUp := func(email, username string, profile harness.Vars) harness.Vars {
		return harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": username, "profile": profile}}
	}
	signIn := func(email, password string) harness.Vars {
		return harness.Vars{"i": harness.Vars{"email": email, "password": password}}
	}
	// way is the mutation of a way in, whose input has the type of its name.
	way := func(name, result string) string {
		return fmt.Sprintf(`mutation ($i: %s%sInput!) { %s(input: $i) { %s } }`, strings.ToUpper(name[:1]), name[1:], name, result)
	}
	unknown := strings.Repeat("A", 43)
	token := func(text any) harness.Vars { return harness.Vars{"i": harness.Vars{"refreshToken": text}} }
	mutations := harness.PublicMutations(harness.Program.Schema())
	before := s.AllRows()
	for _, c := range []struct {
		mutation, way, token, query string
		v                           harness.Vars
		code                        string
	}{
		{"updateProfile", "anonymous viewer's own", "", harness.UpdateMutation, update(harness.Vars{}), "UNAUTHENTICATED"},
		{"updateProfile", "a user's id", a.Token, harness.UpdateMutation, update(harness.Vars{"id": a.UserID}), "NOT_FOUND"},
		{"updateProfile", "null id", a.Token, harness.UpdateMutation, update(harness.Vars{"id": nil}), "BAD_USER_INPUT"},
		{"updateProfile", "bad input", a.Token, harness.UpdateMutation, update(harness.Vars{"phoneNumber": "12"}), "BAD_USER_INPUT"},
		{"updateProfile", "bad scalar", a.Token, harness.UpdateMutation, update(harness.Vars{"birthday": "2001-02-29"}), "BAD_USER_INPUT"},
		{"updateProfile", "cleared visibility", a.Token, harness.UpdateMutation, update(harness.Vars{"visibility": nil}), "BAD_USER_INPUT"},
		{"updateProfile", "unknown field", a.Token, harness.UpdateMutation, update(harness.Vars{"userId": seen.UserID}), "BAD_USER_INPUT"},
		{"signOut", "anonymous", "", signOut, nil, ""}, // succeeds, and writes nothing
		{"signOut", "malformed token", a.Token + "x", signOut, nil, ""},
		{"signOut", "signed out", gone.Token, signOut, nil, ""},
		{"signOut", "malformed refresh token", "", signOutOf, token("../x"), ""},
		{"signOut", "altered refresh token", a.Token, signOutOf, token(harness.Alter(a.Refresh)), ""},
		{"signOut", "revoked refresh token", "", signOutOf, token(gone.Refresh), ""},
		{"signUp", "taken e-mail of a hidden account", "", harness.SignUpMutation, signUp(hidden.Email, "new-one", nil), "CONFLICT"},
		{"signUp", "taken username of a visible account", "", harness.SignUpMutation, signUp("new@example.org", seen.Username, nil), "CONFLICT"},
		{"signUp", "bad input", "", harness.SignUpMutation, signUp("x", "a b", nil), "BAD_USER_INPUT"},
		{"signUp", "bad profile", a.Token, harness.SignUpMutation, signUp("new@example.org", "new-one", harness.Vars{"phoneNumber": "12"}), "BAD_USER_INPUT"},
		{"signUp", "unknown field", "", harness.SignUpMutation, signUp("new@example.org", "new-one", harness.Vars{"userId": a.UserID}), "BAD_USER_INPUT"},
		{"requestEmailVerification", "malformed e-mail", "", harness.RequestVerification, harness.Input("email", "../x"), "BAD_USER_INPUT"},
		{"requestPasswordReset", "malformed e-mail", "", harness.RequestReset, harness.Input("email", "a@x.org,b@y.org"), "BAD_USER_INPUT"},
		{"verifyEmail", "wrong code", "", harness.VerifyEmail, harness.Input("email", a.Email, "code", "0000-0000"), "BAD_USER_INPUT"},
		{"verifyEmail", "wrong code of the viewer", a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", "0000-0000"), "BAD_USER_INPUT"},
		{"verifyEmail", "unknown e-mail", a.Token, harness.VerifyEmail, harness.Input("email", "nobody@example.org", "code", "0000-0000"), "BAD_USER_INPUT"},
		{"resetPassword", "wrong code", "", harness.ResetPassword, harness.Input("email", a.Email, "code", "0000-0000", "newPassword", harness.NewPassword), "BAD_USER_INPUT"},
		{"resetPassword", "unknown e-mail", "", harness.ResetPassword, harness.Input("email", "nobody@example.org", "code", "0000-0000", "newPassword", harness.NewPassword), "BAD_USER_INPUT"},
		{"reauthenticate", "wrong password", a.Token, harness.Reauthenticate, harness.Input("password", "wrong"), "BAD_USER_INPUT"},
		{"reauthenticate", "nothing", a.Token, harness.Reauthenticate, harness.Input(), "BAD_USER_INPUT"},
		{"reauthenticate", "code without an app", a.Token, harness.Reauthenticate, harness.Input("code", "123456"), "BAD_USER_INPUT"},
		{"startTotp", "signed in long ago", old.Token, `mutation { startTotp { secret } }`, nil, "REAUTH_REQUIRED"},
		{"finishTotp", "made-up token", a.Token, finishTotp, harness.Input("continuationToken", "x", "code", "123456"), "BAD_USER_INPUT"},
		{"createRecoveryCodes", "without an app", a.Token, `mutation { createRecoveryCodes { recoveryCodes } }`, nil, "FORBIDDEN"},
		{"finishSecondFactor", "no factor", "", finishSecondFactor, harness.Input("continuationToken", "x"), "BAD_USER_INPUT"},
		{"finishSecondFactor", "made-up token", "", finishSecondFactor, harness.Input("continuationToken", "x", "code", "123456"), "BAD_USER_INPUT"},
		{"finishSecondFactor", "unknown token", a.Token, finishSecondFactor, harness.Input("continuationToken", strings.Repeat("A", 43), "recoveryCode", "x"), "BAD_USER_INPUT"},
		{"changePassword", "wrong password", a.Token, harness.ChangePassword, harness.Input("currentPassword", "wrong", "newPassword", harness.NewPassword), "BAD_USER_INPUT"},
		{"changePassword", "short password", a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", "short"), "BAD_USER_INPUT"},
		{"changeEmail", "malformed e-mail", a.Token, harness.ChangeEmail, harness.Input("newEmail", "a@x.org\r\nBcc: b@y.org"), "BAD_USER_INPUT"},
		{"changeEmail", "taken e-mail of a hidden account", a.Token, harness.ChangeEmail, harness.Input("newEmail", hidden.Email), "CONFLICT"},
		{"changeEmail", "signed in long ago", old.Token, harness.ChangeEmail, harness.Input("newEmail", "new@example.org"), "REAUTH_REQUIRED"},
		{"changeUsername", "taken username of a hidden account", a.Token, harness.ChangeUsername, harness.Input("username", strings.ToUpper(hidden.Username)), "CONFLICT"},
		{"changeUsername", "bad input", a.Token, harness.ChangeUsername, harness.Input("username", "a b"), "BAD_USER_INPUT"},
		{"changeUsername", "signed in long ago", old.Token, harness.ChangeUsername, harness.Input("username", "new-one"), "REAUTH_REQUIRED"},
		{"deleteAccount", "wrong password", a.Token, harness.DeleteAccount, harness.Input("password", "wrong"), "BAD_USER_INPUT"},
		{"signIn", "bad input", "", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": a.Email}}, "BAD_USER_INPUT"},
		{"refreshSession", "malformed token", "", refresh, token("../x"), "UNAUTHENTICATED"},
		{"refreshSession", "altered token", a.Token, refresh, token(harness.Alter(a.Refresh)), "UNAUTHENTICATED"},
		{"refreshSession", "signed out", "", refresh, token(gone.Refresh), "UNAUTHENTICATED"},
		{"completeSignUp", "made-up token", "", completeSignUp, harness.Input("continuationToken", "x", "username", "new-one"), "BAD_USER_INPUT"},
		{"completeSignUp", "unknown token", "", completeSignUp, harness.Input("continuationToken", strings.Repeat("A", 43), "username", "new-one"), "BAD_USER_INPUT"},
		{"startOAuth", "unknown provider", "", way("startOAuth", "authorizationUrl"), harness.Input("provider", "nobody", "redirectTo", "https://evil.example"), "BAD_USER_INPUT"},
		{"finishOAuth", "unknown token", "", way("finishOAuth", "user { id }"), harness.Input("continuationToken", unknown, "code", "x", "state", "x"), "BAD_USER_INPUT"},
		{"startPasskeySignUp", "taken username", "", way("startPasskeySignUp", "continuationToken"), harness.Input("email", "new@example.org", "username", seen.Username), "CONFLICT"},
		{"finishPasskeySignUp", "unknown token", "", way("finishPasskeySignUp", "user { id }"), harness.Input("continuationToken", unknown, "credential", harness.Vars{}), "BAD_USER_INPUT"},
		{"startPasskeySignIn", "bad input", "", way("startPasskeySignIn", "continuationToken"), harness.Input("session", "PIGEON"), "BAD_USER_INPUT"},
		{"finishPasskeySignIn", "unknown token", "", way("finishPasskeySignIn", "user { id }"), harness.Input("continuationToken", unknown, "credential", harness.Vars{}), "BAD_USER_INPUT"},
		{"requestSignInCode", "malformed e-mail", "", way("requestSignInCode", "success"), harness.Input("email", "../x"), "BAD_USER_INPUT"},
		{"requestSignInCode", "taken username", "", way("requestSignInCode", "success"), harness.Input("email", a.Email, "username", seen.Username), "CONFLICT"},
		{"signInWithCode", "wrong code", "", way("signInWithCode", "user { id }"), harness.Input("email", a.Email, "code", "0000-0000"), "BAD_USER_INPUT"},
		{"signUpAnonymously", "turned off", "", way("signUpAnonymously", "user { id }"), harness.Input("username", "new-one"), "FORBIDDEN"},
		{"refreshSession", "bad input", "", refresh, token(nil), "BAD_USER_INPUT"},
	} {
		delete(mutations, c.mutation)
		if r := s.Do(c.token, c.query, c.v); r.Code() != c.code {
			t.Errorf("%s, %s: %s, want %s", c.mutation, c.way, r.Body, c.code)
		}
		after := s.AllRows()
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s, %s: was refused, but wrote (-before +after):\n%s", c.mutation, c.way, diff)
		}
		before = after
	}
	if len(mutations) > 0 {
		t.Errorf("these public mutations were not refused in any way, add them to the table in refusals_test.go: %v", mutations)
	}
	for way, v := range map[string]harness.Vars{
		"wrong password": signIn(a.Email, "wrong"), "unknown e-mail": signIn("nobody@example.org", harness.Password), "malformed e-mail": signIn("../x", harness.Password),
	} {
		if r := s.Do("", harness.SignInMutation, v); r.Code() != "INVALID_CREDENTIALS" {
			t.Errorf("signIn, %s: %s", way, r.Body)
		}
		after := s.AllRows() // a refused sign-in writes one security event
		changed := slices.DeleteFunc(slices.Clone(after), func(row string) bool { return slices.Contains(before, row) })
		if len(after) != len(before)+1 || len(changed) != 1 || !strings.Contains(changed[0], `"kind": "SIGN_IN_REFUSED"`) {
			t.Errorf("signIn, %s: was refused, and has written %v", way, changed)
		}
		before = after
	}
	for name, accepted := range map[string]func() harness.Reply{ // to see that AllRows detects writes
		"updateProfile": func() harness.Reply {
			return s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{}})
		},
		"signUp": func() harness.Reply {
			return s.Do("", harness.SignUpMutation, signUp("new@example.org", "new-one", nil))
		},
		"signIn":                     func() harness.Reply { return s.Do("", harness.SignInMutation, signIn(a.Email, harness.Password)) },
		"refreshSession":             func() harness.Reply { return s.Do("", refresh, token(seen.Refresh)) },
		"signOut":                    func() harness.Reply { return s.Do(hidden.Token, signOut, nil) },
		"signOut of a refresh token": func() harness.Reply { return s.Do("", signOutOf, token(old.Refresh)) },
	} {
		if r := accepted(); len(r.Errors) > 0 {
			t.Errorf("%s: %s", name, r.Body)
		}
		after := s.AllRows()
		if slices.Equal(after, before) {
			t.Errorf("%s was accepted, and nothing was written", name)
		}
		before = after
	}
}

// A18: in a list of ten, the three rows that the viewer owns have their value. Each other row has null and one error at its
// place. The errors are identical and reveal nothing about the rows.
func TestListOfTenWithThreeOwned(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"birthday": "1970-01-31"})
	var ids, want, values, secrets []string
	for i := range 10 {
		if i == 1 || i == 5 || i == 9 {
			ids, values = append(ids, a.ProfileID), append(values, `{"id":"`+a.ProfileID+`","birthday":"1970-01-31"}`)
			continue
		}
		v := s.SignUp(harness.Vars{"visibility": []string{"PUBLIC", "MEMBERS"}[i%2], "birthday": fmt.Sprintf("1961-04-1%d", i), "displayName": fmt.Sprintf("Canary %d", i)})
		ids, values = append(ids, v.ProfileID), append(values, `{"id":"`+v.ProfileID+`","birthday":null}`)
		want = append(want, fmt.Sprintf("[nodes %d birthday] FORBIDDEN", i))
		secrets = append(secrets, v.ProfileID, v.UserID, v.Username, v.Email, fmt.Sprintf("1961-04-1%d", i), fmt.Sprintf("Canary %d", i))
	}
	r := s.Do(a.Token, `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Profile { birthday } } }`, harness.Vars{"ids": ids})
	if data := `{"nodes":[` + strings.Join(values, ",") + `]}`; string(r.Data) != data {
		t.Errorf("got  %s\nwant %s", r.Data, data)
	}
	if got := refusals(r); !slices.Equal(got, want) {
		t.Errorf("errors %v, want %v", got, want)
	}
	outside := strings.Replace(r.Body, string(r.Data), "", 1)
	for _, secret := range append(secrets, a.ProfileID, a.UserID, a.Username, a.Email, "1970") {
		if strings.Contains(outside, secret) {
			t.Errorf("the errors hold %q: %s", secret, outside)
		}
	}
	for _, e := range r.Errors {
		if e.Message != r.Errors[0].Message || len(e.Extensions.Fields) > 0 {
			t.Errorf("the error at %v differs from the first: %+v", e.Path, e)
		}
	}
}

// A19: a hidden row affects neither the other rows of a list nor the list. Without the policies, nodes has null in its place,
// because its non-null fields are refused, with the errors of a missing row. With the policies there is not even an error.
// Pages omit the row with and without the policies.
func TestHiddenRowInAListSpoilsOnlyItself(t *testing.T) {
	t.Parallel()
	eachLayer(t, func(t *testing.T, p party, w harness.Layers) {
		hidden, newest := p.v["PRIVATE"], p.another // the oldest and the newest of four; MEMBERS and PUBLIC are between them
		row := func(v harness.Account) string { return `{"id":"` + v.ProfileID + `","username":"` + v.Username + `"}` }
		siblings := []string{row(newest), row(p.v["PUBLIC"]), row(p.v["MEMBERS"])}
		lists := map[string]struct {
			query, before, between, after string
			rows                          []string
			hiddenAt                      string // without the policies; "" for a list that omits the row
		}{
			"nodes": {`query ($ids: [ID!]!) { list: nodes(ids: $ids) { id ... on Profile { username } } }`, `{"list":[`, ",", `]}`,
				[]string{siblings[0], "null", siblings[1], siblings[2]}, "[list 1"},
			"profiles.nodes": {`{ list: profiles { nodes { id username } } }`, `{"list":{"nodes":[`, ",", `]}}`, siblings, ""},
			"profiles.edges": {`{ list: profiles { edges { node { id username } } } }`, `{"list":{"edges":[{"node":`, `},{"node":`, `}]}}`, siblings, ""},
		}
		for name, list := range lists {
			var v harness.Vars
			if name == "nodes" {
				v = harness.Vars{"ids": []string{newest.ProfileID, hidden.ProfileID, p.v["PUBLIC"].ProfileID, p.v["MEMBERS"].ProfileID}}
			}
			var errors []string
			if w == harness.RulesAlone && list.hiddenAt != "" {
				errors = []string{list.hiddenAt + " id] NOT_FOUND", list.hiddenAt + " username] NOT_FOUND"}
			}
			r := p.Do(newest.Token, list.query, v)
			if want := list.before + strings.Join(list.rows, list.between) + list.after; string(r.Data) != want {
				t.Errorf("%s, %s: got  %s\nwant %s", w, name, r.Data, want)
			}
			if got := refusals(r); !slices.Equal(got, errors) {
				t.Errorf("%s, %s: errors %v, want %v", w, name, got, errors)
			}
			for _, secret := range []string{hidden.ProfileID, hidden.UserID, hidden.Username, hidden.Email, "Canary of PRIVATE"} {
				if strings.Contains(r.Body, secret) && secret != hidden.Username || strings.Contains(r.Body, `"`+secret+`"`) {
					t.Errorf("%s, %s: reveals %q: %s", w, name, secret, r.Body)
				}
			}
		}
	})
}
