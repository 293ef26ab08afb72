package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// As routers ask.
const entitiesQuery = `query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on User { id profile { id } } ... on Profile { id username } } }`

func (a account) asUser() vars    { return vars{"__typename": "User", "id": a.UserID} }
func (a account) asProfile() vars { return vars{"__typename": "Profile", "id": a.ProfileID} }
func (a account) byName() vars    { return vars{"__typename": "Profile", "username": a.Username} }

// userJSON and profileJSON are what entitiesQuery returns of an account.
func (a account) userJSON() string {
	return `{"__typename":"User","id":"` + a.UserID + `","profile":{"id":"` + a.ProfileID + `"}}`
}

func (a account) profileJSON() string {
	return `{"__typename":"Profile","id":"` + a.ProfileID + `","username":"` + a.Username + `"}`
}

func entitiesJSON(list ...string) string { return `{"_entities":[` + strings.Join(list, ",") + `]}` }

// W07's exception: a router gets the schema in production too, whoever it says it is.
func TestServiceShowsTheSchemaToAnybody(t *testing.T) {
	t.Parallel()
	d, dir := dbtest.New(t), t.TempDir()
	development := startWith(t, d, bothWalls, app.Options{}, "FREEHOLD_DATA_DIR="+dir) // makes a key to use
	production := startWith(t, d, bothWalls, app.Options{}, "FREEHOLD_ENV=production",
		"FREEHOLD_PUBLIC_URL=https://id.example", "FREEHOLD_SIGNING_KEY_FILE="+dir+"/signing-key.pem")
	for name, s := range map[string]*service{"development": development, "production": production} {
		for who, token := range map[string]string{"nobody": "", "garbage": "garbage", "a member": s.signUp(nil).Token} {
			r := s.do(token, `{ _service { sdl } }`, nil)
			var data struct {
				Service struct{ SDL string } `json:"_service"`
			}
			r.into(t, &data)
			if len(r.Errors) > 0 || data.Service.SDL != program.SDL() {
				t.Errorf("%s, %s: %.300s", name, who, r.Body)
			}
		}
	}
}

func TestSchemaIsASubgraph(t *testing.T) {
	t.Parallel()
	sdl := program.SDL()
	for _, want := range []string{
		"extend schema\n  @link(url: \"https://specs.apollo.dev/federation/v2.", `@link(url: "https://freehold.dev/rules/v1.0"`,
		`type User implements Node @key(fields: "id") {`, `type Profile implements Node @key(fields: "id") @key(fields: "username") {`,
	} {
		if !strings.Contains(sdl, want) {
			t.Errorf("the schema lacks %s", want)
		}
	}
	for _, rule := range []string{"@public", "@visible", "@signedIn", "@owner", "@inherited"} {
		if !strings.Contains(sdl, "\ndirective "+rule) || !strings.Contains(sdl, `@composeDirective(name: "`+rule+`")`) {
			t.Errorf("the schema does not define %s, or composition drops it", rule)
		}
	}
	for _, machinery := range []string{"_Entity", "_Any", "_entities", "_service", "_Service", "directive @key", "directive @link", "@go"} {
		if strings.Contains(sdl, machinery) {
			t.Errorf("the schema has %s, which is no business of a router", machinery)
		}
	}
}

// Each entity by each of its keys, in order, as often as asked; null without an error where node finds none.
func TestEntitiesByTheirKeys(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b, hidden := s.signUpAs("Ann.Example", vars{"visibility": "PUBLIC"}), s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil)
	both := func(id, username any) vars { return vars{"__typename": "Profile", "id": id, "username": username} }
	var asked []any
	var want []string
	for _, c := range []struct {
		representation vars
		want           string
	}{
		{a.asUser(), a.userJSON()}, {b.asProfile(), b.profileJSON()}, {a.byName(), a.profileJSON()},
		{vars{"__typename": "Profile", "username": "aNN.eXAMPLE"}, a.profileJSON()},
		{vars{"__typename": "User", "id": strings.ToUpper(b.UserID)}, b.userJSON()},
		{a.asUser(), a.userJSON()}, {a.asProfile(), a.profileJSON()}, {b.asProfile(), b.profileJSON()},
		{both(a.ProfileID, a.Username), a.profileJSON()},
		{both(a.ProfileID, b.Username), "null"}, {both(b.ProfileID, "no-such-member"), "null"}, {both(uuid.NewString(), a.Username), "null"},
		{both("x", a.Username), "null"}, {both(a.ProfileID, hidden.Username), "null"}, {both("x", ""), "null"},
		{hidden.asUser(), "null"}, {hidden.asProfile(), "null"}, {hidden.byName(), "null"},
		{vars{"__typename": "User", "id": a.ProfileID}, "null"}, {vars{"__typename": "Profile", "id": a.UserID}, "null"},
		{vars{"__typename": "User", "id": uuid.NewString()}, "null"}, {vars{"__typename": "User", "id": uuid.Nil.String()}, "null"},
		{vars{"__typename": "User", "id": ""}, "null"}, {vars{"__typename": "Profile", "id": "urn:uuid:" + a.ProfileID}, "null"},
		{vars{"__typename": "Profile", "username": ""}, "null"}, {vars{"__typename": "Profile", "username": "a'\u0000\u202e"}, "null"},
		{vars{"__typename": "Profile", "username": strings.Repeat("x", 10_000)}, "null"},
	} {
		asked, want = append(asked, c.representation), append(want, c.want)
	}
	r := s.do("", entitiesQuery, vars{"r": asked})
	if string(r.Data) != entitiesJSON(want...) || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, entitiesJSON(want...))
	}
	if r := s.do(hidden.Token, entitiesQuery, vars{"r": []any{hidden.asUser(), hidden.byName()}}); string(r.Data) != entitiesJSON(hidden.userJSON(), hidden.profileJSON()) {
		t.Errorf("the owner of a hidden profile: %s", r.Body)
	}
	if r := s.do("", entitiesQuery, vars{"r": []any{}}); string(r.Data) != entitiesJSON() || len(r.Errors) > 0 {
		t.Errorf("no representations: %s", r.Body)
	}
}

// G06: 500 representations are one query for each type and key; more are refused.
func TestEntitiesAreOneQueryForEachKey(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	s := startWith(t, dbtest.New(t), bothWalls, app.Options{Observe: func(query string) {
		if strings.Contains(query, "app.profiles") {
			queries.Add(1)
		}
	}})
	var asked []any
	var want []string
	for range 10 {
		a := s.signUp(vars{"visibility": "PUBLIC"})
		asked = append(asked, a.asUser(), a.byName(), vars{"__typename": "User", "id": uuid.NewString()}, a.asProfile(), 5)
		want = append(want, a.userJSON(), a.profileJSON(), "null", a.profileJSON(), "null")
	}
	asked, want = slices.Repeat(asked, 10), slices.Repeat(want, 10)
	queries.Store(0)
	r := s.do("", entitiesQuery, vars{"r": asked})
	if string(r.Data) != entitiesJSON(want...) || len(r.Errors) != 100 {
		t.Errorf("500 representations: %d errors, %.500s", len(r.Errors), r.Body)
	}
	if n := queries.Load(); n != 3 { // User by id, Profile by id and by username
		t.Errorf("500 representations took %d queries", n)
	}
	r = s.do("", entitiesQuery, vars{"r": append(asked, asked[0])})
	if r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.fields()) != "[representations TOO_MANY]" || queries.Load() != 3 {
		t.Errorf("501 representations: %.500s", r.Body)
	}
}

// G06: whatever a representation lacks, it is null with an error at its place, and the others are found.
func TestMalformedRepresentationSpoilsOnlyItself(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(vars{"visibility": "PUBLIC"})
	for name, c := range map[string]struct {
		representation any
		path           string // below representations.N
	}{
		"null":           {nil, ".__typename"},
		"text":           {"User", ".__typename"},
		"number":         {5, ".__typename"},
		"list":           {[]any{a.asUser()}, ".__typename"},
		"empty":          {vars{}, ".__typename"},
		"no type":        {vars{"id": a.UserID}, ".__typename"},
		"unknown type":   {vars{"__typename": "Tokens", "id": a.UserID}, ".__typename"},
		"null type":      {vars{"__typename": nil, "id": a.UserID}, ".__typename"},
		"list type":      {vars{"__typename": []any{"User"}, "id": a.UserID}, ".__typename"},
		"no key":         {vars{"__typename": "User"}, ""},
		"another's key":  {vars{"__typename": "User", "username": a.Username}, ""},
		"null id":        {vars{"__typename": "User", "id": nil}, ".id"},
		"number id":      {vars{"__typename": "Profile", "id": 5}, ".id"},
		"object id":      {vars{"__typename": "User", "id": vars{"id": a.UserID}}, ".id"},
		"null username":  {vars{"__typename": "Profile", "username": nil}, ".username"},
		"list username":  {vars{"__typename": "Profile", "username": []any{a.Username}}, ".username"},
		"id, null other": {vars{"__typename": "Profile", "id": a.ProfileID, "username": nil}, ".username"},
	} {
		for at := range 3 {
			asked, want := []any{a.byName(), a.asUser()}, []string{a.profileJSON(), a.userJSON()}
			asked, want = slices.Insert(asked, at, c.representation), slices.Insert(want, at, "null")
			r := s.do("", entitiesQuery, vars{"r": asked})
			if string(r.Data) != entitiesJSON(want...) || r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.Errors[0].Path) != fmt.Sprintf("[_entities %d]", at) ||
				!strings.HasPrefix(fmt.Sprint(r.fields()), fmt.Sprintf("[representations.%d%s ", at, c.path)) {
				t.Errorf("%s, at %d: %d %s", name, at, r.Status, r.Body)
			}
		}
	}
	r := s.do("", `query ($id: ID!) { _entities(representations: [null, {__typename: "User", id: $id}, {id: 5}]) { __typename } }`, vars{"id": a.UserID})
	if string(r.Data) != `{"_entities":[null,{"__typename":"User"},null]}` || r.code() != "BAD_USER_INPUT BAD_USER_INPUT" {
		t.Errorf("literals: %s", r.Body)
	}
}

// A05: of a representation only the key counts. What else it says of the owner, or of private fields, changes nothing.
func TestForgedRepresentationsAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := start(t)
	mallory := s.signUp(vars{"visibility": "PUBLIC"})
	const query = `query ($r: [_Any!]!) { _entities(representations: $r) {
		... on User { id email emailVerified profile { id } } ... on Profile { id visibility birthday phoneNumber displayName user { id email } } } }`
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		v := s.signUp(vars{"visibility": visibility, "birthday": canaryBirthday, "phoneNumber": canaryPhone})
		for _, honest := range []vars{v.asUser(), v.asProfile(), v.byName()} {
			forged := vars{"owner": mallory.UserID, "ownerId": mallory.UserID, "userId": mallory.UserID, "Owner": mallory.UserID, "user": mallory.asUser(),
				"email": mallory.Email, "emailVerified": true, "visibility": "PUBLIC", "Visibility": "PUBLIC", "displayName": "Mallory", "ID": mallory.ProfileID}
			for name, value := range honest {
				forged[name] = value
			}
			for who, token := range map[string]string{"another": mallory.Token, "nobody": "", "the owner": v.Token} {
				got, want := s.do(token, query, vars{"r": []any{forged}}), s.do(token, query, vars{"r": []any{honest}})
				if got.Body != want.Body {
					t.Errorf("%s, %v by %s: forged answers\n%s\nhonest answers\n%s", visibility, honest, who, got.Body, want.Body)
				}
				if own := strings.Contains(got.Body, v.Email) || strings.Contains(got.Body, canaryPhone); own != (who == "the owner") {
					t.Errorf("%s, %v by %s: %s", visibility, honest, who, got.Body)
				}
			}
		}
	}
}

// A list of many owners: each member has what is his, and is refused what is not, with the codes of other paths.
func TestEntitiesOfManyOwners(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(vars{"visibility": "MEMBERS"})
	const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { email } } }`
	asked := vars{"r": []any{b.asUser(), a.asUser(), b.asUser()}}
	for _, c := range []struct{ who, token, want, codes string }{
		{"nobody", "", `[null,{"email":null},null]`, "UNAUTHENTICATED [_entities 1 email]"},
		{"garbage", "garbage", `[null,{"email":null},null]`, "UNAUTHENTICATED [_entities 1 email]"},
		{"a", a.Token, `[{"email":null},{"email":"` + a.Email + `"},{"email":null}]`, "FORBIDDEN [_entities 0 email], FORBIDDEN [_entities 2 email]"},
		{"b", b.Token, `[{"email":"` + b.Email + `"},{"email":null},{"email":"` + b.Email + `"}]`, "FORBIDDEN [_entities 1 email]"},
	} {
		r := s.do(c.token, query, asked)
		var codes []string
		for _, e := range r.Errors {
			codes = append(codes, fmt.Sprint(e.Extensions.Code, " ", e.Path))
		}
		slices.Sort(codes)
		if string(r.Data) != `{"_entities":`+c.want+`}` || strings.Join(codes, ", ") != c.codes {
			t.Errorf("%s: %s", c.who, r.Body)
		}
	}
}
