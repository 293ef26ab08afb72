package access

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
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
func withClippings(t *testing.T, hook map[string]string) (*stage, *fake) {
	t.Helper()
	s := extendedBehind(t, clippingPolicies(), clippings...)
	f := &fake{specification: s, hook: hook}
	p := &stage{specification: s, ask: f.do, making: f.do, furnish: f.furnish, targets: map[string]*person{}}
	for _, visibility := range visibilities {
		p.targets[visibility] = p.make(t, visibility)
	}
	p.another = p.make(t, "MEMBERS")
	return p, f
}

// shortWay is the number of steps with which each field of a clipping is reached at least once.
const shortWay = 3

// aboutClippings returns the requests that reach clippings, or what belongs to them, in so many steps, as far as the fake can
// answer them.
func (p *stage) aboutClippings(longest int) []request {
	return slices.DeleteFunc(p.requests(), func(r request) bool {
		if len(r.path.steps) > longest {
			return true
		}
		root := r.path.rootField().def
		about := strings.Contains(root.Name, "lipping")
		if r.path.isMutation() && !about && root.Name != "signUp" {
			return true
		}
		for _, s := range r.path.steps {
			if isOwned(p.schema, s.on) && clippingPolicies().Types[s.on.Name].Name == "" {
				return true // a type of the program that the fake does not know
			}
			about = about || strings.Contains(s.on.Name, "Clipping")
		}
		end := p.schema.Types[r.path.end()]
		return !about || end != nil && !isOwned(p.schema, end) && !strings.Contains(end.Name, "Clipping")
	})
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
			for visibility, person := range p.targets {
				made := person.rows["Clipping"]
				if made == nil || made.id == nil || made.canaries["note"] == "" || made.canaries["tags"] == "" || made.seed["visibility"] != visibility {
					t.Fatalf("the clipping of the %s target was made with %+v", visibility, made)
				}
			}
			l := newLedger()
			longest := shortWay
			if hook == nil {
				longest = math.MaxInt
			}
			for _, r := range p.aboutClippings(longest) { // one after the other, because the fake has no locks
				l.add(p.compare(r))
			}
			findings := slices.DeleteFunc(l.incomplete(p.specification, nil), func(f finding) bool {
				return strings.HasSuffix(f.what, "no path leads to it") && !strings.Contains(f.what, "Clipping")
			})
			expectNone(t, append(findings, l.faults...))
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
		}, "Clipping.id has another value than the row was made with"},
		"the title is another's": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.title" && a.value != nil {
				a.value = "some title"
			}
		}, "Clipping.title has another value than the row was made with"},
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
				*a = fakeAnswer{value: fakeObject{typ: p.schema.Types["DeleteClippingPayload"]}}
			}
		}, "Mutation.deleteClipping has a value for member, visible-to"},
		"the title has the note": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Clipping.visibility" && a.value != nil {
				a.value = p.targets["PUBLIC"].rows["Clipping"].canaries["note"]
			}
		}, "the seed of Clipping.note is in the reply to member, visible-to"},
		"no clipping is created": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Mutation.createClipping" {
				*a = fakeAnswer{code: "BAD_USER_INPUT"}
			}
		}, "createClipping creates no Clipping to ask about"},
	} {
		f.lie = c.lie
		l := newLedger()
		for _, r := range p.aboutClippings(shortWay) {
			if len(r.path.steps) < 3 {
				l.add(p.compare(r))
			}
		}
		f.lie = nil
		found := causes(append(l.incomplete(p.specification, nil), l.faults...))
		if !slices.ContainsFunc(found, func(line string) bool { return strings.HasPrefix(line, c.want) }) {
			t.Errorf("%s: no finding begins with %q, the first of %d is %.600s", name, c.want, len(found), append(found, "none")[0])
		}
	}
}

// The creator of a row is the mutation with that name or, if the sign-up creates none, the one that returns the row.
func TestCreatorsFollowFromTheSchema(t *testing.T) {
	t.Parallel()
	keep := func(schema *ast.Schema) string {
		if c := factsOf(schema).creators["Clipping"]; c != nil {
			return c.Name
		}
		return ""
	}
	if got := keep(extended(t, clippings...).schema); got != "createClipping" {
		t.Errorf("clippings are made by %q", got)
	}
	other := [2]string{"\ntype Mutation {\n", "aaa: SaveClippingPayload @signedIn\n"}
	payload := [2]string{"scalar _Any\n", "type SaveClippingPayload { edge: ClippingEdge @inherited }\n"}
	if got := keep(extended(t, append(slices.Clone(clippings), other, payload)...).schema); got != "createClipping" {
		t.Errorf("clippings are made by %q, although one mutation is called create", got)
	}
	facts := factsOf(ownSpecification(t).schema)
	if facts.creators["User"] != nil || facts.creators["Profile"] != nil || !facts.withSignUp["Profile"] || !facts.withSignUp["User"] || facts.withSignUp["Session"] {
		t.Errorf("of the service itself: made by %v, with a sign-up %v", facts.creators, facts.withSignUp)
	}
}
