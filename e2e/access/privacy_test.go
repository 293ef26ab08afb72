package access

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// paths lead to V's profile or user. USER and PROFILE represent fields; U, P and N are V's ids and username.
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

func query(a harness.Account, path string) string {
	return strings.NewReplacer("USER", userFields, "PROFILE", profileFields, `"U"`, `"`+a.UserID+`"`, `"P"`, `"`+a.ProfileID+`"`, `"N"`, `"`+a.Username+`"`).Replace(path)
}

// party is a service with a V of each visibility and another member.
type party struct {
	*harness.Service
	v       map[string]harness.Account // by visibility
	another harness.Account
}

// newParty creates the members with both layers, and then serves them with w.
func newParty(t *testing.T, w harness.Layers) party {
	t.Helper()
	d := dbtest.New(t)
	p := party{Service: harness.StartWith(t, d, harness.BothLayers, app.Options{}), v: map[string]harness.Account{}}
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		p.v[visibility] = p.SignUp(harness.Vars{"visibility": visibility, "birthday": harness.CanaryBirthday, "phoneNumber": harness.CanaryPhone, "displayName": "Canary of " + visibility})
	}
	p.another = p.SignUp(harness.Vars{"visibility": "PUBLIC"})
	if w != harness.BothLayers { // the same members with new tokens
		p.Service = harness.StartWith(t, d, w, app.Options{})
		for visibility, v := range p.v {
			v.Token = p.SignIn(v.Email)
			p.v[visibility] = v
		}
		p.another.Token = p.SignIn(p.another.Email)
	}
	return p
}

func eachLayer(t *testing.T, run func(t *testing.T, p party, w harness.Layers)) {
	t.Helper()
	for _, w := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			run(t, newParty(t, w), w)
		})
	}
}

// A04: a private field under aliases, twice, in fragments and with @include and @skip is refused as often as it is selected,
// and returned to its owner as often.
func TestAliasesAndDirectivesChangeNothing(t *testing.T) {
	t.Parallel()
	p := newParty(t, harness.BothLayers)
	v := p.v["PUBLIC"]
	for name, asked := range map[string]int{"aliases": 9, "included": 6} {
		query := query(v, paths[name])
		r := p.Do(v.Token, query, nil)
		if got := strings.Count(r.Body, v.Email) + strings.Count(r.Body, harness.CanaryBirthday) + strings.Count(r.Body, harness.CanaryPhone) + strings.Count(r.Body, `"emailVerified":false`); got != asked || len(r.Errors) > 0 {
			t.Errorf("%s by the owner: %d values, want %d: %s", name, got, asked, r.Body)
		}
		for token, code := range map[string]string{p.another.Token: "FORBIDDEN", "": "UNAUTHENTICATED"} {
			r := p.Do(token, query, nil)
			if want := strings.TrimSpace(strings.Repeat(code+" ", asked)); r.Code() != want || strings.Count(string(r.Data), "null") != asked {
				t.Errorf("%s: want %d nulls and errors %s: %s", name, asked, code, r.Body)
			}
		}
	}
}

// A PRIVATE profile gets exactly the reply of an unknown id, for every viewer but its owner. So does a MEMBERS profile for
// anonymous viewers.
func TestHiddenIsLikeMissing(t *testing.T) {
	t.Parallel()
	p := newParty(t, harness.BothLayers)
	missing := harness.Account{UserID: "3b241101-e2bb-4255-8caf-4136c566a962", ProfileID: "7c9e6679-7425-40de-944b-e07fc1f90ae7", Username: "no-such-member"}
	malformed := harness.Account{UserID: "../../etc/passwd", ProfileID: strings.Repeat("9", 5000), Username: "no%20such_'\\u0000"}
	for _, c := range []struct{ visibility, who, token string }{
		{"PRIVATE", "another", p.another.Token}, {"PRIVATE", "anonymous", ""}, {"MEMBERS", "anonymous", ""},
	} {
		v := p.v[c.visibility]
		for name, path := range paths {
			if strings.HasPrefix(name, "profiles.") {
				continue
			}
			got, want := p.Do(c.token, query(v, path), nil), p.Do(c.token, query(missing, path), nil)
			if got.Body != want.Body || got.Status != want.Status {
				t.Errorf("%s of %s by %s: hidden answers\n%s\nmissing answers\n%s", name, c.visibility, c.who, got.Body, want.Body)
			}
			if bad := p.Do(c.token, query(malformed, path), nil); bad.Body != want.Body && !strings.Contains(path, `"N"`) {
				t.Errorf("%s: malformed answers\n%s\nmissing answers\n%s", name, bad.Body, want.Body)
			}
		}
		list := p.Do(c.token, `{ profiles(first: 100) { nodes { id username user { id } } edges { cursor } } }`, nil)
		if strings.Contains(list.Body, v.ProfileID) || strings.Contains(list.Body, v.Username) || len(list.Errors) > 0 {
			t.Errorf("the list shows a %s profile to %s: %s", c.visibility, c.who, list.Body)
		}
	}
	if r := p.Do("", `{ usernameAvailable(username: "`+strings.ToUpper(p.v["PRIVATE"].Username)+`") }`, nil); !strings.Contains(r.Body, "false") {
		t.Errorf("a hidden profile's username counts as available: %s", r.Body)
	}
}

// You cannot change another user's profile: the reply is FORBIDDEN if you see it and NOT_FOUND if you do not, and no byte
// changes.
func TestOnlyTheOwnerUpdates(t *testing.T) {
	t.Parallel()
	eachLayer(t, func(t *testing.T, p party, w harness.Layers) {
		for visibility, v := range p.v {
			before := rows(p.Service, v)
			for who, token := range map[string]string{"another": p.another.Token, "anonymous": ""} {
				r := p.Do(token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": v.ProfileID, "displayName": "Mallory", "phoneNumber": "+4911111111"}})
				want := "FORBIDDEN"
				switch {
				case who == "anonymous":
					want = "UNAUTHENTICATED"
				case visibility == "PRIVATE" || w == harness.PoliciesAlone:
					want = "NOT_FOUND"
				}
				if w == harness.PoliciesAlone && who == "anonymous" {
					want = "NOT_FOUND" // not the viewer's own; the rules refuse anonymous viewers
				}
				if r.Code() != want || !strings.Contains(r.Body, `"updateProfile":null`) {
					t.Errorf("%s, %s profile by %s: %s, want %s", w, visibility, who, r.Body, want)
				}
				missing := p.Do(token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": "3b241101-e2bb-4255-8caf-4136c566a962", "displayName": "x"}})
				if want == "NOT_FOUND" && missing.Body != r.Body {
					t.Errorf("%s: a hidden profile answers %s, a missing one %s", w, r.Body, missing.Body)
				}
			}
			if after := rows(p.Service, v); after != before {
				t.Errorf("%s: a refused update changed the row:\n%s\n%s", w, before, after)
			}
			r := p.Do(v.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": strings.ToUpper(v.ProfileID), "displayName": "Mine"}})
			if len(r.Errors) > 0 || !strings.Contains(r.Body, "Mine") {
				t.Errorf("%s: the owner's update: %s", w, r.Body)
			}
		}
	})
}

// rows returns everything that is stored for an account.
func rows(s *harness.Service, v harness.Account) string {
	s.T.Helper()
	return strings.Join(s.DB.Query(s.T, `
		SELECT to_jsonb(p)::text || to_jsonb(pp)::text || to_jsonb(u)::text || to_jsonb(up)::text || to_jsonb(c)::text
		  FROM app.users u JOIN app.profiles p ON p.user_id = u.id JOIN app.profile_private pp ON pp.user_id = u.id
		  JOIN app.user_private up ON up.user_id = u.id JOIN app.accounts c ON c.user_id = u.id
		 WHERE u.id = $1`, v.UserID), "\n")
}

// The id of an update: an absent id means your own profile; null and malformed ids are input errors, for members only.
func TestUpdateByIDPresence(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	for _, c := range []struct {
		name, token, query string
		input              harness.Vars
		code, fields       string
	}{
		{"absent", a.Token, harness.UpdateMutation, harness.Vars{"displayName": "x"}, "", "[]"},
		{"own", a.Token, harness.UpdateMutation, harness.Vars{"id": a.ProfileID}, "", "[]"},
		{"null", a.Token, harness.UpdateMutation, harness.Vars{"id": nil}, "BAD_USER_INPUT", "[input.id NULL]"},
		{"malformed", a.Token, harness.UpdateMutation, harness.Vars{"id": "../x"}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"urn spelling", a.Token, harness.UpdateMutation, harness.Vars{"id": "urn:uuid:" + a.ProfileID}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"number", a.Token, harness.UpdateMutation, harness.Vars{"id": 5}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"zero", a.Token, harness.UpdateMutation, harness.Vars{"id": "00000000-0000-0000-0000-000000000000"}, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"the user's id", a.Token, harness.UpdateMutation, harness.Vars{"id": a.UserID}, "NOT_FOUND", "[]"},
		{"malformed, anonymous", "", harness.UpdateMutation, harness.Vars{"id": "../x"}, "UNAUTHENTICATED", "[]"},
		{"literal null", a.Token, `mutation { updateProfile(input: {id: null}) { profile { id } } }`, nil, "BAD_USER_INPUT", "[input.id NULL]"},
		{"literal number", a.Token, `mutation { updateProfile(input: {id: 5}) { profile { id } } }`, nil, "BAD_USER_INPUT", "[input.id INVALID]"},
		{"literal absent", a.Token, `mutation { updateProfile(input: {}) { profile { id } } }`, nil, "", "[]"},
	} {
		var v harness.Vars
		if c.input != nil {
			v = harness.Vars{"input": c.input}
		}
		if r := s.Do(c.token, c.query, v); r.Code() != c.code || fmt.Sprint(r.Fields()) != c.fields {
			t.Errorf("%s: %s; want %q %s", c.name, r.Body, c.code, c.fields)
		}
	}
}

// An absent field keeps its value, null clears it, and fields that the input does not have cannot be smuggled in.
func TestUpdateKeepsClearsAndRefusesToSmuggle(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"displayName": "Ann", "bio": "one\ntwo", "birthday": "1970-12-31", "websiteUrl": "https://ann.example/ü", "phoneNumber": "+4930123456", "visibility": "MEMBERS"})
	const query = `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
		profile { displayName bio birthday websiteUrl location phoneNumber visibility username } } }`
	r := s.Do(a.Token, query, harness.Vars{"input": harness.Vars{"bio": nil, "birthday": nil, "location": " Rome\u0301 "}})
	want := `{"updateProfile":{"profile":{"displayName":"Ann","bio":null,"birthday":null,"websiteUrl":"https://ann.example/ü","location":"Romé","phoneNumber":"+4930123456","visibility":"MEMBERS","username":"` + a.Username + `"}}}`
	if string(r.Data) != want || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
	before := rows(s, a)
	for _, field := range []string{"userId", "ownerId", "role", "emailVerified", "createdAt", "username", "email"} {
		r := s.Do(a.Token, query, harness.Vars{"input": harness.Vars{"displayName": "x", field: "x"}})
		if r.Code() != "BAD_USER_INPUT" || fmt.Sprint(r.Fields()) != "[input."+field+" UNKNOWN_FIELD]" || strings.Contains(r.Body, `"data"`) {
			t.Errorf("smuggling %s: %s", field, r.Body)
		}
	}
	if r := s.Do(a.Token, query, harness.Vars{"input": harness.Vars{"visibility": nil}}); fmt.Sprint(r.Fields()) != "[input.visibility NULL]" {
		t.Errorf("clearing the visibility: %s", r.Body)
	}
	if after := rows(s, a); after != before {
		t.Errorf("a refused update changed the row:\n%s\n%s", before, after)
	}
}
