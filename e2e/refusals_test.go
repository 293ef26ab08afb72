package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// nonesuch is an account that is not there, shaped like those that are.
func nonesuch() account {
	return account{UserID: uuid.NewString(), ProfileID: uuid.NewString(), Username: "member-0", Email: "member-0@example.org"}
}

// A08: a hidden row takes as long as a missing one, and answers the same, on each way to a row. It would catch a second
// query or transaction for rows that are there but hidden, and a policy that is dear for each row that it hides.
func TestHiddenTakesAsLongAsMissing(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, hidden, missing := s.signUp(nil), s.signUp(nil), nonesuch()
	for _, way := range []struct {
		name string
		ask  func(account) reply
	}{
		{"updateProfile", func(v account) reply {
			return s.do(a.Token, updateMutation, vars{"input": vars{"id": v.ProfileID, "bio": "x"}})
		}},
		{"node", func(v account) reply {
			return s.do(a.Token, `query ($id: ID!) { node(id: $id) { id } }`, vars{"id": v.ProfileID})
		}},
		{"profile", func(v account) reply {
			return s.do(a.Token, `query ($u: String!) { profile(username: $u) { id } }`, vars{"u": v.Username})
		}},
		{"_entities", func(v account) reply {
			return s.do(a.Token, entitiesQuery, vars{"r": []any{v.asUser(), v.asProfile(), v.byName()}})
		}},
	} {
		want := way.ask(missing)
		ask := func(v account) func() {
			return func() {
				if r := way.ask(v); r.Body != want.Body || r.Status != want.Status {
					t.Errorf("%s: %d %s, want %d %s", way.name, r.Status, r.Body, want.Status, want.Body)
				}
			}
		}
		sameTime(t, 250, way.name+" of a hidden row", ask(hidden), "of a missing one", ask(missing))
	}
}

// A10: several mutations of a document run in order, and those that are refused fail alone.
func TestMutationsOfADocumentRunInOrderAndFailAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, seen, hidden := s.signUp(nil), s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil)
	before := s.rows(seen) + s.rows(hidden)
	r := s.do(a.Token, `mutation ($seen: ID!, $hidden: ID!) {
		one: updateProfile(input: {bio: "1", displayName: "first"}) { ...P }
		seen: updateProfile(input: {id: $seen, bio: "x"}) { ...P }
		two: updateProfile(input: {bio: "2"}) { ...P }
		hidden: updateProfile(input: {id: $hidden, bio: "x"}) { ...P }
		three: updateProfile(input: {displayName: "third"}) { ...P }
		faulty: updateProfile(input: {bio: "x", phoneNumber: "12"}) { ...P }
		four: updateProfile(input: {bio: "4"}) { ...P }
		signOut { success }
		five: updateProfile(input: {bio: "5"}) { ...P }
	} fragment P on UpdateProfilePayload { profile { displayName bio } }`, vars{"seen": seen.ProfileID, "hidden": hidden.ProfileID})
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
	if r := s.do(s.signIn(a.Email), `{ me { profile { displayName bio } } }`, nil); string(r.Data) != `{"me":`+profile("third", "4")+`}` {
		t.Errorf("read back: %s", r.Body)
	}
	if after := s.rows(seen) + s.rows(hidden); after != before {
		t.Errorf("others' rows changed:\n%s\n%s", before, after)
	}
}

// refusals are the errors of a reply as "path code", sorted.
func refusals(r reply) (list []string) {
	for _, e := range r.Errors {
		list = append(list, fmt.Sprint(e.Path, " ", e.Extensions.Code))
	}
	slices.Sort(list)
	return list
}

// everything is all rows of all tables, whatever tables there are, with the transaction that wrote each: a row that is
// written again as it was counts as changed.
func (s *service) everything() []string {
	s.t.Helper()
	var selects []string
	for _, table := range s.db.Query(s.t, `
		SELECT oid::regclass FROM pg_class
		 WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`) {
		selects = append(selects, `SELECT '`+table+` ' || x.xmin || ' ' || to_jsonb(x) FROM `+table+` x`)
	}
	if len(selects) < 7 {
		s.t.Fatalf("only %d tables were found", len(selects))
	}
	return s.db.Query(s.t, strings.Join(selects, ` UNION ALL `)+` ORDER BY 1`)
}

// A09: a mutation that its resolver refuses, in whatever way, writes nothing: not a row of any table, of whatever account.
func TestRefusedMutationsHaveNoSideEffect(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, seen, hidden, gone, old := s.signUp(nil), s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil), s.signUp(nil), s.signUp(nil)
	s.do(gone.Token, `mutation { signOut { success } }`, nil)
	s.signedInLongAgo(old)
	const (
		signOut   = `mutation { signOut { success } }`
		signOutOf = `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`
		refresh   = `mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { tokens { accessToken } } }`
	)
	update := func(input vars) vars {
		input["bio"] = "Mallory"
		return vars{"input": input}
	}
	signUp := func(email, username string, profile vars) vars {
		return vars{"input": vars{"email": email, "password": password, "username": username, "profile": profile}}
	}
	signIn := func(email, password string) vars { return vars{"i": vars{"email": email, "password": password}} }
	token := func(text any) vars { return vars{"i": vars{"refreshToken": text}} }
	mutations := publicMutations(program.Schema())
	before := s.everything()
	for _, c := range []struct {
		mutation, way, token, query string
		v                           vars
		code                        string
	}{
		{"updateProfile", "nobody's own", "", updateMutation, update(vars{}), "UNAUTHENTICATED"},
		{"updateProfile", "a user's id", a.Token, updateMutation, update(vars{"id": a.UserID}), "NOT_FOUND"},
		{"updateProfile", "null id", a.Token, updateMutation, update(vars{"id": nil}), "BAD_USER_INPUT"},
		{"updateProfile", "bad input", a.Token, updateMutation, update(vars{"phoneNumber": "12"}), "BAD_USER_INPUT"},
		{"updateProfile", "bad scalar", a.Token, updateMutation, update(vars{"birthday": "2001-02-29"}), "BAD_USER_INPUT"},
		{"updateProfile", "cleared visibility", a.Token, updateMutation, update(vars{"visibility": nil}), "BAD_USER_INPUT"},
		{"updateProfile", "unknown field", a.Token, updateMutation, update(vars{"userId": seen.UserID}), "BAD_USER_INPUT"},
		{"signOut", "nobody", "", signOut, nil, ""}, // which succeeds, and writes nothing
		{"signOut", "malformed token", a.Token + "x", signOut, nil, ""},
		{"signOut", "signed out", gone.Token, signOut, nil, ""},
		{"signOut", "malformed refresh token", "", signOutOf, token("../x"), ""},
		{"signOut", "altered refresh token", a.Token, signOutOf, token(flipped(a.Refresh)), ""},
		{"signOut", "revoked refresh token", "", signOutOf, token(gone.Refresh), ""},
		{"signUp", "taken e-mail of a hidden account", "", signUpMutation, signUp(hidden.Email, "new-one", nil), "CONFLICT"},
		{"signUp", "taken username of a seen account", "", signUpMutation, signUp("new@example.org", seen.Username, nil), "CONFLICT"},
		{"signUp", "bad input", "", signUpMutation, signUp("x", "a b", nil), "BAD_USER_INPUT"},
		{"signUp", "bad profile", a.Token, signUpMutation, signUp("new@example.org", "new-one", vars{"phoneNumber": "12"}), "BAD_USER_INPUT"},
		{"signUp", "unknown field", "", signUpMutation, signUp("new@example.org", "new-one", vars{"userId": a.UserID}), "BAD_USER_INPUT"},
		{"requestEmailVerification", "malformed e-mail", "", requestVerification, input("email", "../x"), "BAD_USER_INPUT"},
		{"requestPasswordReset", "malformed e-mail", "", requestReset, input("email", "a@x.org,b@y.org"), "BAD_USER_INPUT"},
		{"verifyEmail", "wrong code", "", verifyEmail, input("email", a.Email, "code", "0000-0000"), "BAD_USER_INPUT"},
		{"verifyEmail", "wrong code of one's own", a.Token, verifyEmail, input("email", a.Email, "code", "0000-0000"), "BAD_USER_INPUT"},
		{"verifyEmail", "unknown e-mail", a.Token, verifyEmail, input("email", "nobody@example.org", "code", "0000-0000"), "BAD_USER_INPUT"},
		{"resetPassword", "wrong code", "", resetPassword, input("email", a.Email, "code", "0000-0000", "newPassword", newPassword), "BAD_USER_INPUT"},
		{"resetPassword", "unknown e-mail", "", resetPassword, input("email", "nobody@example.org", "code", "0000-0000", "newPassword", newPassword), "BAD_USER_INPUT"},
		{"reauthenticate", "wrong password", a.Token, reauthenticate, input("password", "wrong"), "BAD_USER_INPUT"},
		{"changePassword", "wrong password", a.Token, changePassword, input("currentPassword", "wrong", "newPassword", newPassword), "BAD_USER_INPUT"},
		{"changePassword", "short password", a.Token, changePassword, input("currentPassword", password, "newPassword", "short"), "BAD_USER_INPUT"},
		{"changeEmail", "malformed e-mail", a.Token, changeEmail, input("newEmail", "a@x.org\r\nBcc: b@y.org"), "BAD_USER_INPUT"},
		{"changeEmail", "taken e-mail of a hidden account", a.Token, changeEmail, input("newEmail", hidden.Email), "CONFLICT"},
		{"changeEmail", "signed in long ago", old.Token, changeEmail, input("newEmail", "new@example.org"), "REAUTH_REQUIRED"},
		{"changeUsername", "taken username of a hidden account", a.Token, changeUsername, input("username", strings.ToUpper(hidden.Username)), "CONFLICT"},
		{"changeUsername", "bad input", a.Token, changeUsername, input("username", "a b"), "BAD_USER_INPUT"},
		{"changeUsername", "signed in long ago", old.Token, changeUsername, input("username", "new-one"), "REAUTH_REQUIRED"},
		{"deleteAccount", "wrong password", a.Token, deleteAccount, input("password", "wrong"), "BAD_USER_INPUT"},
		{"signIn", "bad input", "", signInMutation, vars{"i": vars{"email": a.Email}}, "BAD_USER_INPUT"},
		{"refreshSession", "malformed token", "", refresh, token("../x"), "UNAUTHENTICATED"},
		{"refreshSession", "altered token", a.Token, refresh, token(flipped(a.Refresh)), "UNAUTHENTICATED"},
		{"refreshSession", "signed out", "", refresh, token(gone.Refresh), "UNAUTHENTICATED"},
		{"refreshSession", "bad input", "", refresh, token(nil), "BAD_USER_INPUT"},
	} {
		delete(mutations, c.mutation)
		if r := s.do(c.token, c.query, c.v); r.code() != c.code {
			t.Errorf("%s, %s: %s, want %s", c.mutation, c.way, r.Body, c.code)
		}
		after := s.everything()
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s, %s: was refused, and yet (-before +after):\n%s", c.mutation, c.way, diff)
		}
		before = after
	}
	if len(mutations) > 0 {
		t.Errorf("these public mutations were not refused in any way, add them to the table in refusals_test.go: %v", mutations)
	}
	for way, v := range map[string]vars{
		"wrong password": signIn(a.Email, "wrong"), "unknown e-mail": signIn("nobody@example.org", password), "malformed e-mail": signIn("../x", password),
	} {
		if r := s.do("", signInMutation, v); r.code() != "INVALID_CREDENTIALS" {
			t.Errorf("signIn, %s: %s", way, r.Body)
		}
		after := s.everything() // a refused sign-in is noted, and does nothing else
		changed := slices.DeleteFunc(slices.Clone(after), func(row string) bool { return slices.Contains(before, row) })
		if len(after) != len(before)+1 || len(changed) != 1 || !strings.Contains(changed[0], `"kind": "SIGN_IN_REFUSED"`) {
			t.Errorf("signIn, %s: was refused, and has written %v", way, changed)
		}
		before = after
	}
	for name, accepted := range map[string]func() reply{ // to see that everything() would have seen it
		"updateProfile":              func() reply { return s.do(a.Token, updateMutation, vars{"input": vars{}}) },
		"signUp":                     func() reply { return s.do("", signUpMutation, signUp("new@example.org", "new-one", nil)) },
		"signIn":                     func() reply { return s.do("", signInMutation, signIn(a.Email, password)) },
		"refreshSession":             func() reply { return s.do("", refresh, token(seen.Refresh)) },
		"signOut":                    func() reply { return s.do(hidden.Token, signOut, nil) },
		"signOut of a refresh token": func() reply { return s.do("", signOutOf, token(old.Refresh)) },
	} {
		if r := accepted(); len(r.Errors) > 0 {
			t.Errorf("%s: %s", name, r.Body)
		}
		after := s.everything()
		if slices.Equal(after, before) {
			t.Errorf("%s was accepted, and nothing was written", name)
		}
		before = after
	}
}

// flipped is a token with a letter of its middle changed.
func flipped(token string) string {
	at, letter := len(token)/2, "A"
	if token[at] == 'A' {
		letter = "B"
	}
	return token[:at] + letter + token[at+1:]
}

// A18: of a list of ten, the three that the viewer owns give their value; each of the others is null with one error at
// its place, and the errors, letter by letter the same, say nothing of the rows.
func TestListOfTenWithThreeOwned(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(vars{"birthday": "1970-01-31"})
	var ids, want, values, secrets []string
	for i := range 10 {
		if i == 1 || i == 5 || i == 9 {
			ids, values = append(ids, a.ProfileID), append(values, `{"id":"`+a.ProfileID+`","birthday":"1970-01-31"}`)
			continue
		}
		v := s.signUp(vars{"visibility": []string{"PUBLIC", "MEMBERS"}[i%2], "birthday": fmt.Sprintf("1961-04-1%d", i), "displayName": fmt.Sprintf("Canary %d", i)})
		ids, values = append(ids, v.ProfileID), append(values, `{"id":"`+v.ProfileID+`","birthday":null}`)
		want = append(want, fmt.Sprintf("[nodes %d birthday] FORBIDDEN", i))
		secrets = append(secrets, v.ProfileID, v.UserID, v.Username, v.Email, fmt.Sprintf("1961-04-1%d", i), fmt.Sprintf("Canary %d", i))
	}
	r := s.do(a.Token, `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Profile { birthday } } }`, vars{"ids": ids})
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

// A19: a hidden row in a list spoils neither its siblings nor the list. With the policies away, nodes has null in its place, by
// its non-null fields that are refused, and the errors are those of a row that is not there; with the policies up there is not
// even an error. A page leaves it out, whether or not the policies are there.
func TestHiddenRowInAListSpoilsOnlyItself(t *testing.T) {
	t.Parallel()
	eachWall(t, func(t *testing.T, p party, w walls) {
		hidden, newest := p.v["PRIVATE"], p.another // the oldest and the newest of four; between them are those of MEMBERS and PUBLIC
		row := func(v account) string { return `{"id":"` + v.ProfileID + `","username":"` + v.Username + `"}` }
		siblings := []string{row(newest), row(p.v["PUBLIC"]), row(p.v["MEMBERS"])}
		lists := map[string]struct {
			query, before, between, after string
			rows                          []string
			hiddenAt                      string // with the policies away; "" for a list that leaves it out
		}{
			"nodes": {`query ($ids: [ID!]!) { list: nodes(ids: $ids) { id ... on Profile { username } } }`, `{"list":[`, ",", `]}`,
				[]string{siblings[0], "null", siblings[1], siblings[2]}, "[list 1"},
			"profiles.nodes": {`{ list: profiles { nodes { id username } } }`, `{"list":{"nodes":[`, ",", `]}}`, siblings, ""},
			"profiles.edges": {`{ list: profiles { edges { node { id username } } } }`, `{"list":{"edges":[{"node":`, `},{"node":`, `}]}}`, siblings, ""},
		}
		for name, list := range lists {
			var v vars
			if name == "nodes" {
				v = vars{"ids": []string{newest.ProfileID, hidden.ProfileID, p.v["PUBLIC"].ProfileID, p.v["MEMBERS"].ProfileID}}
			}
			var errors []string
			if w == rulesAlone && list.hiddenAt != "" {
				errors = []string{list.hiddenAt + " id] NOT_FOUND", list.hiddenAt + " username] NOT_FOUND"}
			}
			r := p.do(newest.Token, list.query, v)
			if want := list.before + strings.Join(list.rows, list.between) + list.after; string(r.Data) != want {
				t.Errorf("%s, %s: got  %s\nwant %s", w, name, r.Data, want)
			}
			if got := refusals(r); !slices.Equal(got, errors) {
				t.Errorf("%s, %s: errors %v, want %v", w, name, got, errors)
			}
			for _, secret := range []string{hidden.ProfileID, hidden.UserID, hidden.Username, hidden.Email, "Canary of PRIVATE"} {
				if strings.Contains(r.Body, secret) && secret != hidden.Username || strings.Contains(r.Body, `"`+secret+`"`) {
					t.Errorf("%s, %s: tells %q: %s", w, name, secret, r.Body)
				}
			}
		}
	})
}
