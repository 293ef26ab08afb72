package edge

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// userJSON and profileJSON return the reply of EntitiesQuery for an account.
func userJSON(a harness.Account) string {
	return `{"__typename":"User","id":"` + a.UserID + `","profile":{"id":"` + a.ProfileID + `"}}`
}

func profileJSON(a harness.Account) string {
	return `{"__typename":"Profile","id":"` + a.ProfileID + `","username":"` + a.Username + `"}`
}

func entitiesJSON(list ...string) string { return `{"_entities":[` + strings.Join(list, ",") + `]}` }

// W07's exception: any client gets the schema from _service in production too, because routers need it.
func TestServiceShowsTheSchemaToAnyClient(t *testing.T) {
	t.Parallel()
	d, dir := dbtest.New(t), t.TempDir()
	development := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+dir) // creates the signing key
	production := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_ENV=production",
		"FREEHOLD_PUBLIC_URL=https://id.example", "FREEHOLD_SIGNING_KEY_FILE="+dir+"/signing-key.pem")
	for name, s := range map[string]*harness.Service{"development": development, "production": production} {
		for who, token := range map[string]string{"anonymous": "", "garbage": "garbage", "a member": s.SignUp(nil).Token} {
			r := s.Do(token, `{ _service { sdl } }`, nil)
			var data struct {
				Service struct{ SDL string } `json:"_service"`
			}
			r.Into(t, &data)
			if len(r.Errors) > 0 || data.Service.SDL != harness.Program.SDL() {
				t.Errorf("%s, %s: %.300s", name, who, r.Body)
			}
		}
	}
}

func TestSchemaIsASubgraph(t *testing.T) {
	t.Parallel()
	sdl := harness.Program.SDL()
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

// Each entity by each of its keys, in order, as often as requested; null without an error where node finds none.
func TestEntitiesByTheirKeys(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, b, hidden := s.SignUpAs("Ann.Example", harness.Vars{"visibility": "PUBLIC"}), s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	both := func(id, username any) harness.Vars {
		return harness.Vars{"__typename": "Profile", "id": id, "username": username}
	}
	var asked []any
	var want []string
	for _, c := range []struct {
		representation harness.Vars
		want           string
	}{
		{a.AsUser(), userJSON(a)}, {b.AsProfile(), profileJSON(b)}, {a.ByName(), profileJSON(a)},
		{harness.Vars{"__typename": "Profile", "username": "aNN.eXAMPLE"}, profileJSON(a)},
		{harness.Vars{"__typename": "User", "id": strings.ToUpper(b.UserID)}, userJSON(b)},
		{a.AsUser(), userJSON(a)}, {a.AsProfile(), profileJSON(a)}, {b.AsProfile(), profileJSON(b)},
		{both(a.ProfileID, a.Username), profileJSON(a)},
		{both(a.ProfileID, b.Username), "null"}, {both(b.ProfileID, "no-such-member"), "null"}, {both(uuid.NewString(), a.Username), "null"},
		{both("x", a.Username), "null"}, {both(a.ProfileID, hidden.Username), "null"}, {both("x", ""), "null"},
		{hidden.AsUser(), "null"}, {hidden.AsProfile(), "null"}, {hidden.ByName(), "null"},
		{harness.Vars{"__typename": "User", "id": a.ProfileID}, "null"}, {harness.Vars{"__typename": "Profile", "id": a.UserID}, "null"},
		{harness.Vars{"__typename": "User", "id": uuid.NewString()}, "null"}, {harness.Vars{"__typename": "User", "id": uuid.Nil.String()}, "null"},
		{harness.Vars{"__typename": "User", "id": ""}, "null"}, {harness.Vars{"__typename": "Profile", "id": "urn:uuid:" + a.ProfileID}, "null"},
		{harness.Vars{"__typename": "Profile", "username": ""}, "null"}, {harness.Vars{"__typename": "Profile", "username": "a'\u0000\u202e"}, "null"},
		{harness.Vars{"__typename": "Profile", "username": strings.Repeat("x", 10_000)}, "null"},
	} {
		asked, want = append(asked, c.representation), append(want, c.want)
	}
	r := s.Do("", harness.EntitiesQuery, harness.Vars{"r": asked})
	if string(r.Data) != entitiesJSON(want...) || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, entitiesJSON(want...))
	}
	if r := s.Do(hidden.Token, harness.EntitiesQuery, harness.Vars{"r": []any{hidden.AsUser(), hidden.ByName()}}); string(r.Data) != entitiesJSON(userJSON(hidden), profileJSON(hidden)) {
		t.Errorf("the owner of a hidden profile: %s", r.Body)
	}
	if r := s.Do("", harness.EntitiesQuery, harness.Vars{"r": []any{}}); string(r.Data) != entitiesJSON() || len(r.Errors) > 0 {
		t.Errorf("no representations: %s", r.Body)
	}
}

// G06: 500 representations are one query for each type and key. More are refused.
func TestEntitiesAreOneQueryForEachKey(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Observe: func(query string) {
		if strings.Contains(query, "app.profiles") {
			queries.Add(1)
		}
	}})
	var asked []any
	var want []string
	for range 10 {
		a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
		asked = append(asked, a.AsUser(), a.ByName(), harness.Vars{"__typename": "User", "id": uuid.NewString()}, a.AsProfile(), 5)
		want = append(want, userJSON(a), profileJSON(a), "null", profileJSON(a), "null")
	}
	asked, want = slices.Repeat(asked, 10), slices.Repeat(want, 10)
	queries.Store(0)
	r := s.Do("", harness.EntitiesQuery, harness.Vars{"r": asked})
	if string(r.Data) != entitiesJSON(want...) || len(r.Errors) != 100 {
		t.Errorf("500 representations: %d errors, %.500s", len(r.Errors), r.Body)
	}
	if n := queries.Load(); n != 3 { // User by id, Profile by id and by username
		t.Errorf("500 representations took %d queries", n)
	}
	r = s.Do("", harness.EntitiesQuery, harness.Vars{"r": append(asked, asked[0])})
	if r.Code() != "BAD_USER_INPUT" || fmt.Sprint(r.Fields()) != "[representations TOO_MANY]" || queries.Load() != 3 {
		t.Errorf("501 representations: %.500s", r.Body)
	}
}

// G06: an incomplete representation is null with an error at its place, and the others are found.
func TestMalformedRepresentationAffectsOnlyItself(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	for name, c := range map[string]struct {
		representation any
		path           string // below representations.N
	}{
		"null":           {nil, ".__typename"},
		"text":           {"User", ".__typename"},
		"number":         {5, ".__typename"},
		"list":           {[]any{a.AsUser()}, ".__typename"},
		"empty":          {harness.Vars{}, ".__typename"},
		"no type":        {harness.Vars{"id": a.UserID}, ".__typename"},
		"unknown type":   {harness.Vars{"__typename": "Tokens", "id": a.UserID}, ".__typename"},
		"null type":      {harness.Vars{"__typename": nil, "id": a.UserID}, ".__typename"},
		"list type":      {harness.Vars{"__typename": []any{"User"}, "id": a.UserID}, ".__typename"},
		"no key":         {harness.Vars{"__typename": "User"}, ""},
		"another's key":  {harness.Vars{"__typename": "User", "username": a.Username}, ""},
		"null id":        {harness.Vars{"__typename": "User", "id": nil}, ".id"},
		"number id":      {harness.Vars{"__typename": "Profile", "id": 5}, ".id"},
		"object id":      {harness.Vars{"__typename": "User", "id": harness.Vars{"id": a.UserID}}, ".id"},
		"null username":  {harness.Vars{"__typename": "Profile", "username": nil}, ".username"},
		"list username":  {harness.Vars{"__typename": "Profile", "username": []any{a.Username}}, ".username"},
		"id, null other": {harness.Vars{"__typename": "Profile", "id": a.ProfileID, "username": nil}, ".username"},
	} {
		for at := range 3 {
			asked, want := []any{a.ByName(), a.AsUser()}, []string{profileJSON(a), userJSON(a)}
			asked, want = slices.Insert(asked, at, c.representation), slices.Insert(want, at, "null")
			r := s.Do("", harness.EntitiesQuery, harness.Vars{"r": asked})
			if string(r.Data) != entitiesJSON(want...) || r.Code() != "BAD_USER_INPUT" || fmt.Sprint(r.Errors[0].Path) != fmt.Sprintf("[_entities %d]", at) ||
				!strings.HasPrefix(fmt.Sprint(r.Fields()), fmt.Sprintf("[representations.%d%s ", at, c.path)) {
				t.Errorf("%s, at %d: %d %s", name, at, r.Status, r.Body)
			}
		}
	}
	r := s.Do("", `query ($id: ID!) { _entities(representations: [null, {__typename: "User", id: $id}, {id: 5}]) { __typename } }`, harness.Vars{"id": a.UserID})
	if string(r.Data) != `{"_entities":[null,{"__typename":"User"},null]}` || r.Code() != "BAD_USER_INPUT BAD_USER_INPUT" {
		t.Errorf("literals: %s", r.Body)
	}
}

// A05: only the key of a representation is used. What else it says about the owner, or about private fields, has no effect.
func TestForgedRepresentationsAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	mallory := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	const query = `query ($r: [_Any!]!) { _entities(representations: $r) {
		... on User { id email emailVerified profile { id } } ... on Profile { id visibility birthday phoneNumber displayName user { id email } } } }`
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		v := s.SignUp(harness.Vars{"visibility": visibility, "birthday": harness.CanaryBirthday, "phoneNumber": harness.CanaryPhone})
		for _, honest := range []harness.Vars{v.AsUser(), v.AsProfile(), v.ByName()} {
			forged := harness.Vars{"owner": mallory.UserID, "ownerId": mallory.UserID, "userId": mallory.UserID, "Owner": mallory.UserID, "user": mallory.AsUser(),
				"email": mallory.Email, "emailVerified": true, "visibility": "PUBLIC", "Visibility": "PUBLIC", "displayName": "Mallory", "ID": mallory.ProfileID}
			for name, value := range honest {
				forged[name] = value
			}
			for who, token := range map[string]string{"another": mallory.Token, "anonymous": "", "the owner": v.Token} {
				got, want := s.Do(token, query, harness.Vars{"r": []any{forged}}), s.Do(token, query, harness.Vars{"r": []any{honest}})
				if got.Body != want.Body {
					t.Errorf("%s, %v by %s: forged answers\n%s\nhonest answers\n%s", visibility, honest, who, got.Body, want.Body)
				}
				if own := strings.Contains(got.Body, v.Email) || strings.Contains(got.Body, harness.CanaryPhone); own != (who == "the owner") {
					t.Errorf("%s, %v by %s: %s", visibility, honest, who, got.Body)
				}
			}
		}
	}
}

// A list of many owners: members get their own private fields, and are refused those of others, with the codes of other
// paths.
func TestEntitiesOfManyOwners(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, b := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(harness.Vars{"visibility": "MEMBERS"})
	const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { email } } }`
	asked := harness.Vars{"r": []any{b.AsUser(), a.AsUser(), b.AsUser()}}
	for _, c := range []struct{ who, token, want, codes string }{
		{"anonymous", "", `[null,{"email":null},null]`, "UNAUTHENTICATED [_entities 1 email]"},
		{"garbage", "garbage", `[null,{"email":null},null]`, "UNAUTHENTICATED [_entities 1 email]"},
		{"a", a.Token, `[{"email":null},{"email":"` + a.Email + `"},{"email":null}]`, "FORBIDDEN [_entities 0 email], FORBIDDEN [_entities 2 email]"},
		{"b", b.Token, `[{"email":"` + b.Email + `"},{"email":null},{"email":"` + b.Email + `"}]`, "FORBIDDEN [_entities 1 email]"},
	} {
		r := s.Do(c.token, query, asked)
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
