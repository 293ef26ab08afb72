package e2e

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// What V keeps to himself.
const (
	canaryPhone    = "+4999900011122"
	canaryBirthday = "1961-04-12"
)

// paths lead to V's profile or user. USER and PROFILE stand for fields of theirs, U, P and N for V's ids and username.
var paths = map[string]string{
	"node profile":        `{ node(id: "P") { ... on Profile { PROFILE } } }`,
	"node user":           `{ node(id: "U") { ... on User { USER } } }`,
	"node, named":         `query { node(id: "P") { ...F } } fragment F on Profile { PROFILE }`,
	"node, interface":     `{ node(id: "U") { ... on Node { id ... on User { USER } } } }`,
	"nodes":               `{ nodes(ids: ["U", "P", "U"]) { ... on User { USER } ... on Profile { PROFILE } } }`,
	"profile":             `{ profile(username: "N") { PROFILE user { USER } } }`,
	"profiles.edges":      `{ profiles(first: 100) { edges { node { PROFILE user { USER } } } } }`,
	"profiles.nodes":      `{ profiles(last: 100) { nodes { PROFILE user { USER } } } }`,
	"entities, user":      `{ _entities(representations: [{__typename: "User", id: "U"}]) { ... on User { USER profile { PROFILE } } } }`,
	"entities, profile":   `{ _entities(representations: {__typename: "Profile", id: "P"}) { ... on Profile { PROFILE user { USER } } } }`,
	"entities, username":  `{ _entities(representations: [{__typename: "Profile", username: "N"}]) { ... on Profile { PROFILE user { USER } } } }`,
	"chain":               `{ profile(username: "N") { user { profile { user { profile { PROFILE user { USER } } } } } } }`,
	"chain from the user": `{ node(id: "U") { ... on User { profile { user { profile { PROFILE user { USER } } } } } } }`,
	"aliases":             `{ a: profile(username: "N") { x: user { USER } y: user { USER } } b: profile(username: "N") { PROFILE } }`,
	"included":            `{ profile(username: "N") { ... @include(if: true) { PROFILE ...G @skip(if: false) } } } fragment G on Profile { user { USER } }`,
}

const (
	userFields    = `email e1: email emailVerified`
	profileFields = `birthday b1: birthday phoneNumber`
)

func (a account) query(path string) string {
	return strings.NewReplacer("USER", userFields, "PROFILE", profileFields, `"U"`, `"`+a.UserID+`"`, `"P"`, `"`+a.ProfileID+`"`, `"N"`, `"`+a.Username+`"`).Replace(path)
}

// party is one service with V of each visibility, another member, and the ways to ask.
type party struct {
	*service
	v       map[string]account // by visibility
	another account
}

// newParty makes the members behind both walls, whichever are up afterwards.
func newParty(t *testing.T, w walls) party {
	t.Helper()
	d := dbtest.New(t)
	p := party{service: startWith(t, d, bothWalls, app.Options{}), v: map[string]account{}}
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		p.v[visibility] = p.signUp(vars{"visibility": visibility, "birthday": canaryBirthday, "phoneNumber": canaryPhone, "displayName": "Canary of " + visibility})
	}
	p.another = p.signUp(vars{"visibility": "PUBLIC"})
	if w != bothWalls { // the same members, their tokens signed anew by signing in
		p.service = startWith(t, d, w, app.Options{})
		for visibility, v := range p.v {
			v.Token = p.signIn(v.Email)
			p.v[visibility] = v
		}
		p.another.Token = p.signIn(p.another.Email)
	}
	return p
}

func (s *service) signIn(email string) string {
	s.t.Helper()
	r := s.do("", `mutation ($i: SignInInput!) { signIn(input: $i) { tokens { accessToken } } }`, vars{"i": vars{"email": email, "password": password}})
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	r.into(s.t, &data)
	if data.SignIn.Tokens.AccessToken == "" {
		s.t.Fatalf("sign in: %s", r.Body)
	}
	return data.SignIn.Tokens.AccessToken
}

func eachWall(t *testing.T, run func(t *testing.T, p party, w walls)) {
	t.Helper()
	for _, w := range []walls{bothWalls, rulesAlone, policiesOnly} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			run(t, newParty(t, w), w)
		})
	}
}

// A04: a private field under aliases, twice, in fragments and behind @include and @skip is refused as often as it is
// asked for, and given to its owner as often.
func TestAliasesAndDirectivesChangeNothing(t *testing.T) {
	t.Parallel()
	p := newParty(t, bothWalls)
	v := p.v["PUBLIC"]
	for name, asked := range map[string]int{"aliases": 9, "included": 6} {
		query := v.query(paths[name])
		r := p.do(v.Token, query, nil)
		if got := strings.Count(r.Body, v.Email) + strings.Count(r.Body, canaryBirthday) + strings.Count(r.Body, canaryPhone) + strings.Count(r.Body, `"emailVerified":false`); got != asked || len(r.Errors) > 0 {
			t.Errorf("%s by the owner: %d values, want %d: %s", name, got, asked, r.Body)
		}
		for token, code := range map[string]string{p.another.Token: "FORBIDDEN", "": "UNAUTHENTICATED"} {
			r := p.do(token, query, nil)
			if want := strings.TrimSpace(strings.Repeat(code+" ", asked)); r.code() != want || strings.Count(string(r.Data), "null") != asked {
				t.Errorf("%s: want %d nulls and errors %s: %s", name, asked, code, r.Body)
			}
		}
	}
}

// A PRIVATE profile answers like an id that isn't there, letter by letter, to everybody but its owner; so does a
// MEMBERS profile to nobody.
func TestHiddenIsLikeMissing(t *testing.T) {
	t.Parallel()
	p := newParty(t, bothWalls)
	missing := account{UserID: "3b241101-e2bb-4255-8caf-4136c566a962", ProfileID: "7c9e6679-7425-40de-944b-e07fc1f90ae7", Username: "no-such-member"}
	malformed := account{UserID: "../../etc/passwd", ProfileID: strings.Repeat("9", 5000), Username: "no%20such_'\\u0000"}
	for _, c := range []struct{ visibility, who, token string }{
		{"PRIVATE", "another", p.another.Token}, {"PRIVATE", "nobody", ""}, {"MEMBERS", "nobody", ""},
	} {
		v := p.v[c.visibility]
		for name, path := range paths {
			if strings.HasPrefix(name, "profiles.") {
				continue
			}
			got, want := p.do(c.token, v.query(path), nil), p.do(c.token, missing.query(path), nil)
			if got.Body != want.Body || got.Status != want.Status {
				t.Errorf("%s of %s by %s: hidden answers\n%s\nmissing answers\n%s", name, c.visibility, c.who, got.Body, want.Body)
			}
			if bad := p.do(c.token, malformed.query(path), nil); bad.Body != want.Body && !strings.Contains(path, `"N"`) {
				t.Errorf("%s: malformed answers\n%s\nmissing answers\n%s", name, bad.Body, want.Body)
			}
		}
		list := p.do(c.token, `{ profiles(first: 100) { nodes { id username user { id } } edges { cursor } } }`, nil)
		if strings.Contains(list.Body, v.ProfileID) || strings.Contains(list.Body, v.Username) || len(list.Errors) > 0 {
			t.Errorf("the list shows a %s profile to %s: %s", c.visibility, c.who, list.Body)
		}
	}
	if r := p.do("", `{ usernameAvailable(username: "`+strings.ToUpper(p.v["PRIVATE"].Username)+`") }`, nil); !strings.Contains(r.Body, "false") {
		t.Errorf("a hidden profile's username counts as available: %s", r.Body)
	}
}

const updateMutation = `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { profile { id displayName } } }`

// Somebody else's profile is not changed: FORBIDDEN where it is seen, NOT_FOUND where it is not, and not a byte differs.
func TestOnlyTheOwnerUpdates(t *testing.T) {
	t.Parallel()
	eachWall(t, func(t *testing.T, p party, w walls) {
		for visibility, v := range p.v {
			before := p.rows(v)
			for who, token := range map[string]string{"another": p.another.Token, "nobody": ""} {
				r := p.do(token, updateMutation, vars{"input": vars{"id": v.ProfileID, "displayName": "Mallory", "phoneNumber": "+4911111111"}})
				want := "FORBIDDEN"
				switch {
				case who == "nobody":
					want = "UNAUTHENTICATED"
				case visibility == "PRIVATE" || w == policiesOnly:
					want = "NOT_FOUND"
				}
				if w == policiesOnly && who == "nobody" {
					want = "NOT_FOUND" // it is not his; that nobody asks is for the rules to say
				}
				if r.code() != want || !strings.Contains(r.Body, `"updateProfile":null`) {
					t.Errorf("%s, %s profile by %s: %s, want %s", w, visibility, who, r.Body, want)
				}
				missing := p.do(token, updateMutation, vars{"input": vars{"id": "3b241101-e2bb-4255-8caf-4136c566a962", "displayName": "x"}})
				if want == "NOT_FOUND" && missing.Body != r.Body {
					t.Errorf("%s: a hidden profile answers %s, a missing one %s", w, r.Body, missing.Body)
				}
			}
			if after := p.rows(v); after != before {
				t.Errorf("%s: a refused update changed the row:\n%s\n%s", w, before, after)
			}
			r := p.do(v.Token, updateMutation, vars{"input": vars{"id": strings.ToUpper(v.ProfileID), "displayName": "Mine"}})
			if len(r.Errors) > 0 || !strings.Contains(r.Body, "Mine") {
				t.Errorf("%s: the owner's update: %s", w, r.Body)
			}
		}
	})
}

// rows is everything that is stored of an account.
func (s *service) rows(v account) string {
	s.t.Helper()
	return strings.Join(s.db.Query(s.t, `
		SELECT to_jsonb(p)::text || to_jsonb(pp)::text || to_jsonb(u)::text || to_jsonb(up)::text || to_jsonb(c)::text
		  FROM app.users u JOIN app.profiles p ON p.user_id = u.id JOIN app.profile_private pp ON pp.user_id = u.id
		  JOIN app.user_private up ON up.user_id = u.id JOIN app.credentials c ON c.user_id = u.id
		 WHERE u.id = $1`, v.UserID), "\n")
}

// The id of the update: absent means one's own, null and malformed ones are faults of the input, for members only.
func TestUpdateByIDPresence(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	for _, c := range []struct {
		name, token, query string
		input              vars
		code, fields       string
	}{
		{"absent", a.Token, updateMutation, vars{"displayName": "x"}, "", "[]"},
		{"own", a.Token, updateMutation, vars{"id": a.ProfileID}, "", "[]"},
		{"null", a.Token, updateMutation, vars{"id": nil}, "BAD_USER_INPUT", "[input.id NULL]"},
		{"malformed", a.Token, updateMutation, vars{"id": "../x"}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"urn spelling", a.Token, updateMutation, vars{"id": "urn:uuid:" + a.ProfileID}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"number", a.Token, updateMutation, vars{"id": 5}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"zero", a.Token, updateMutation, vars{"id": "00000000-0000-0000-0000-000000000000"}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"the user's id", a.Token, updateMutation, vars{"id": a.UserID}, "NOT_FOUND", "[]"},
		{"malformed by nobody", "", updateMutation, vars{"id": "../x"}, "UNAUTHENTICATED", "[]"},
		{"literal null", a.Token, `mutation { updateProfile(input: {id: null}) { profile { id } } }`, nil, "BAD_USER_INPUT", "[input.id NULL]"},
		{"literal number", a.Token, `mutation { updateProfile(input: {id: 5}) { profile { id } } }`, nil, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"literal absent", a.Token, `mutation { updateProfile(input: {}) { profile { id } } }`, nil, "", "[]"},
	} {
		var v vars
		if c.input != nil {
			v = vars{"input": c.input}
		}
		if r := s.do(c.token, c.query, v); r.code() != c.code || fmt.Sprint(r.fields()) != c.fields {
			t.Errorf("%s: %s; want %q %s", c.name, r.Body, c.code, c.fields)
		}
	}
}

// Absent keeps, null clears; what is not in the input can't be smuggled in.
func TestUpdateKeepsClearsAndRefusesToSmuggle(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(vars{"displayName": "Ann", "bio": "one\ntwo", "birthday": "1970-12-31", "websiteUrl": "https://ann.example/ü", "phoneNumber": "+4930123456", "visibility": "MEMBERS"})
	const query = `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
		profile { displayName bio birthday websiteUrl location phoneNumber visibility username } } }`
	r := s.do(a.Token, query, vars{"input": vars{"bio": nil, "birthday": nil, "location": " Rome\u0301 "}})
	want := `{"updateProfile":{"profile":{"displayName":"Ann","bio":null,"birthday":null,"websiteUrl":"https://ann.example/ü","location":"Romé","phoneNumber":"+4930123456","visibility":"MEMBERS","username":"` + a.Username + `"}}}`
	if string(r.Data) != want || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
	before := s.rows(a)
	for _, field := range []string{"userId", "ownerId", "role", "emailVerified", "createdAt", "username", "email"} {
		r := s.do(a.Token, query, vars{"input": vars{"displayName": "x", field: "x"}})
		if r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.fields()) != "[input."+field+" UNKNOWN_FIELD]" || strings.Contains(r.Body, `"data"`) {
			t.Errorf("smuggling %s: %s", field, r.Body)
		}
	}
	if r := s.do(a.Token, query, vars{"input": vars{"visibility": nil}}); fmt.Sprint(r.fields()) != "[input.visibility NULL]" {
		t.Errorf("clearing the visibility: %s", r.Body)
	}
	if after := s.rows(a); after != before {
		t.Errorf("a refused update changed the row:\n%s\n%s", before, after)
	}
}
