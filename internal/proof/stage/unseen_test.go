package stage

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// clippings are schema parts with a type of a kind that the service does not have: several rows per account, a private field
// among visible ones, lists of lists whose elements have no id, and mutations that create, change and delete rows.
var clippings = [][2]string{
	{"\ntype Query {\n", "clipping(id: ID!): Clipping @public(reason: \"x\")\n"},
	{"\ntype Mutation {\n", `
		createClipping(input: CreateClippingInput!): CreateClippingPayload @signedIn
		updateClipping(input: UpdateClippingInput!): UpdateClippingPayload @owner(of: "Clipping", id: "input.id")
		deleteClipping(input: DeleteClippingInput!): DeleteClippingPayload @owner(of: "Clipping", id: "input.id")
	`},
	{"type User implements Node @key(fields: \"id\") {\n", "clippings(first: Int): ClippingConnection @visible\n"},
	{"union _Entity = ", "Clipping | "},
	{"scalar _Any\n", `
		type Clipping implements Node @key(fields: "id") {
			id: ID! @visible
			url: URL @visible
			title: String @visible
			note: String @owner
			visibility: ProfileVisibility! @visible
			tags: [[ClippingTag!]!] @visible
			user: User @visible
		}
		type ClippingTag { name: String @inherited }
		type ClippingConnection { edges: [ClippingEdge!]! @inherited nodes: [Clipping]! @inherited pageInfo: PageInfo! @inherited }
		type ClippingEdge { cursor: String! @inherited node: Clipping @inherited }
		input CreateClippingInput { url: URL! title: String note: String visibility: ProfileVisibility tags: [[String!]!] }
		input UpdateClippingInput { id: ID! url: URL title: String note: String visibility: ProfileVisibility tags: [[String!]!] }
		input DeleteClippingInput { id: ID! }
		type CreateClippingPayload { clipping: Clipping @inherited }
		type UpdateClippingPayload { clipping: Clipping @inherited }
		type DeleteClippingPayload { deletedClippingId: ID @inherited user: User @inherited }
	`},
}

// clippingPolicies are the row policies that the service would have for these fields.
func clippingPolicies() access.Layers {
	visible := func(name string) access.Layer { return access.Layer{Name: name, Admits: access.AdmitsVisible} }
	return access.Layers{
		Types:  map[string]access.Layer{"User": visible("users_select"), "Profile": visible("profiles_select"), "Clipping": visible("clippings_select")},
		Fields: map[string][]access.Layer{"Clipping.note": {{Name: "clipping_private_select", Admits: access.AdmitsOwner}}},
	}
}

// withClippings returns a stage of a fake service with this type. A hook creates rows of some types at each sign-up.
func withClippings(t *testing.T, hook map[string]string) (*Stage, *fake) {
	t.Helper()
	s := extendedBehind(t, clippingPolicies(), clippings...)
	f := &fake{Specification: s, hook: hook}
	facts := core.Facts()
	facts.Before = nil // these ask a service
	p := &Stage{
		Specification: s, Program: Program{Facts: facts}, Targets: map[string]*people.Person{},
		ask: f.do, making: f.do, furnish: f.furnish, grant: f.grant, insertRow: f.seed(facts),
	}
	p.populate(t)
	return p, f
}

// shortWay is the number of steps with which each field of a clipping is reached at least once.
const shortWay = 3

// aboutClippings returns the requests that reach clippings, or what belongs to them, in so many steps, as far as the fake can
// answer them.
func (p *Stage) aboutClippings(longest int) []cases.Request {
	return slices.DeleteFunc(p.Requests(), func(r cases.Request) bool {
		if len(r.Path.Steps) > longest {
			return true
		}
		root := r.Path.RootField().Def
		about := strings.Contains(root.Name, "lipping")
		if r.Path.IsMutation() && !about && root.Name != "signUp" {
			return true
		}
		for _, s := range r.Path.Steps {
			if p.Schema.IsOwned(s.On) && clippingPolicies().Types[s.On.Name].Name == "" {
				return true // a type of the program that the fake does not know
			}
			about = about || strings.Contains(s.On.Name, "Clipping")
		}
		end := p.Schema.Types[r.Path.End()]
		return !about || end != nil && !p.Schema.IsOwned(end) && !strings.Contains(end.Name, "Clipping")
	})
}

// inTurn calls do for one number after the other, because the fake has no locks.
func inTurn(n int, do func(i int)) {
	for i := range n {
		do(i)
	}
}

// A type that the tests have never seen gets seeds, requests on every path and verdicts without a line of test code, whether
// or not a hook creates rows beside its own.
func TestUnseenTypeIsProved(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]map[string]string{
		"without a hook": nil, "beside rows that others see": {"Clipping": ""}, "beside rows that no other viewer sees": {"Clipping": "PRIVATE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := withClippings(t, hook)
			for visibility, person := range p.Targets {
				made := person.Rows["Clipping"]
				if made == nil || made.ID == nil || made.Canaries["note"] == "" || made.Canaries["tags"] == "" || made.Seed["visibility"] != visibility {
					t.Fatalf("the clipping of the %s target was made with %+v", visibility, made)
				}
			}
			longest := shortWay
			if hook == nil {
				longest = math.MaxInt
			}
			l := p.run(p.aboutClippings(longest), inTurn)
			incomplete := slices.DeleteFunc(l.Incomplete(p.Specification), func(f findings.Finding) bool {
				return strings.HasSuffix(f.What, "no path leads to it") && !strings.Contains(f.What, "Clipping")
			})
			findings.ExpectNone(t, append(incomplete, l.Faults...))
			for _, field := range []string{"Clipping.note", "Clipping.tags", "ClippingTag.name", "ClippingEdge.node", "Mutation.deleteClipping"} {
				if l.cases[field] == 0 {
					t.Errorf("%s has no case", field)
				}
			}
		})
	}
}

// The tests find each lie of a service about a type that it has not seen.
func TestLiesAreFound(t *testing.T) {
	t.Parallel()
	p, f := withClippings(t, map[string]string{"Clipping": "PRIVATE"})
	others := f.owned("", "Clipping", 1)
	for name, c := range map[string]struct {
		lie  func(field string, viewer access.Viewer, a *fakeAnswer)
		want string
	}{
		"the note is given to others": {func(field string, viewer access.Viewer, a *fakeAnswer) {
			if field == "Clipping.note" && viewer == access.MemberVisibleTo {
				*a = fakeAnswer{value: "some note"}
			}
		}, "Clipping.note has a value for member, visible-to, and should be refused: FORBIDDEN"},
		"the note is refused without an error": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.note" && a.code != access.Value {
				a.code = ""
			}
		}, "Clipping.note has the errors []"},
		"the note is refused with another code": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.note" && a.code == "FORBIDDEN" {
				a.code = "NOT_FOUND"
			}
		}, "Clipping.note has the errors [NOT_FOUND] for member, visible-to"},
		"the owner has no note": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.note" {
				a.value = nil
			}
		}, "Clipping.note has no positive twin"},
		"another clipping is shown": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Query.clipping" {
				a.value = others[0]
			}
		}, "Clipping.id has another value than the row was created with"},
		"the title is another's": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.title" && a.value != nil {
				a.value = "some title"
			}
		}, "Clipping.title has another value than the row was created with"},
		"tags are not there": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.tags" {
				a.value = []any{[]any{}}
			}
		}, "ClippingTag.name has no positive twin"},
		"a tag without a name": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "ClippingTag.name" {
				a.value = nil
			}
		}, "ClippingTag.name is null, and should have a value"},
		"any viewer deletes": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Mutation.deleteClipping" && a.code == "FORBIDDEN" {
				*a = fakeAnswer{value: fakeObject{typ: p.Schema.Types["DeleteClippingPayload"]}}
			}
		}, "Mutation.deleteClipping has a value for member, visible-to"},
		"the title has the note": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.visibility" && a.value != nil {
				a.value = p.Targets["PUBLIC"].Rows["Clipping"].Canaries["note"]
			}
		}, "the seed of Clipping.note is in the reply to member, visible-to"},
		"no clipping is created": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Mutation.createClipping" {
				*a = fakeAnswer{code: "BAD_USER_INPUT"}
			}
		}, "createClipping creates no Clipping to ask about"},
	} {
		f.lie = c.lie
		l := p.run(slices.DeleteFunc(p.aboutClippings(shortWay), func(r cases.Request) bool { return len(r.Path.Steps) > 2 }), inTurn)
		f.lie = nil
		found := findings.Causes(append(l.Incomplete(p.Specification), l.Faults...))
		if !slices.ContainsFunc(found, func(line string) bool { return strings.HasPrefix(line, c.want) }) {
			t.Errorf("%s: no finding begins with %q, the first of %d is %.600s", name, c.want, len(found), append(found, "none")[0])
		}
	}
}

// The creator of a row is the mutation with that name or, if the sign-up creates none, the one that returns the row.
func TestCreatorsFollowFromTheSchema(t *testing.T) {
	t.Parallel()
	keep := func(schema *cases.Schema) string {
		if c := schema.Creators["Clipping"]; c != nil {
			return c.Name
		}
		return ""
	}
	if got := keep(extended(t, clippings...).Schema); got != "createClipping" {
		t.Errorf("clippings are made by %q", got)
	}
	other := [2]string{"\ntype Mutation {\n", "aaa: SaveClippingPayload @signedIn\n"}
	payload := [2]string{"scalar _Any\n", "type SaveClippingPayload { edge: ClippingEdge @inherited }\n"}
	if got := keep(extended(t, append(slices.Clone(clippings), other, payload)...).Schema); got != "createClipping" {
		t.Errorf("clippings are made by %q, although one mutation is called create", got)
	}
	schema := own(t).Schema
	if schema.Creators["User"] != nil || schema.Creators["Profile"] != nil || !schema.WithSignUp["Profile"] || !schema.WithSignUp["User"] || schema.WithSignUp["Session"] {
		t.Errorf("of the service itself: made by %v, with a sign-up %v", schema.Creators, schema.WithSignUp)
	}
}

// objects turns texts into values of a type, in the same lists.
func objects(t *ast.Definition, value any) any {
	if list, ok := value.([]any); ok {
		var made []any
		for _, v := range list {
			made = append(made, objects(t, v))
		}
		return made
	}
	return fakeObject{typ: t, fields: map[string]any{"name": value}}
}
