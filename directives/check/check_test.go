package check

import (
	"context"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
)

type simple = func(context.Context, any, graphql.Resolver) (any, error)

type fullRoot struct {
	Owner             func(context.Context, any, graphql.Resolver, *string, *string, string, *string, [][]string, directives.Otherwise) (any, error)
	Scopes            func(context.Context, any, graphql.Resolver, [][]string) (any, error)
	SignedIn, Visible simple
}

func root() fullRoot {
	r := &directives.Rules{}
	return fullRoot{Owner: r.Owner, Scopes: r.Scopes, SignedIn: r.SignedIn, Visible: r.Visible}
}

const definitions = `
directive @public(reason: String) on FIELD_DEFINITION
directive @visible on FIELD_DEFINITION
directive @signedIn on FIELD_DEFINITION
directive @owner(of: String, id: String, as: String! = "OWNER", when: String, orScopes: [[String!]!], otherwise: Otherwise! = ERROR) repeatable on FIELD_DEFINITION
directive @scopes(anyOf: [[String!]!]!) on FIELD_DEFINITION
directive @inherited on FIELD_DEFINITION
directive @key(fields: String!) on OBJECT
enum Otherwise { ERROR NULL }
interface Node { id: ID! }
input In { id: ID n: Int deep: Deep ids: [ID!] must: Int! }
input Deep { id: ID! }
type Thing implements Node { id: ID! @visible secret: String @owner box: Box @visible viewerCan: ThingPermissions @visible }
type ThingPermissions { see: [ThingField!]! @inherited }
enum ThingField { ID SECRET BOX }
type Box { x: Int @inherited }
`

func check(t *testing.T, sdl string, p Program) string {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "test.graphqls", Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	if err := Schema(schema, p); err != nil {
		return err.Error()
	}
	return ""
}

func TestCheckNamesEachFault(t *testing.T) {
	t.Parallel()
	good := Program{
		Root: root(), Owned: map[string]bool{"Thing": true, "Pin": true},
		Relations: map[string][]string{"Thing": {"EDITOR", "READER"}}, Scopes: map[string]bool{"read": true, "write": true},
	}
	withQuery := func(fields string) string { return definitions + "type Query { " + fields + " }" }
	fine := withQuery(`a: Thing @public(reason: "x") b(i: In!): Thing @owner(of: "Thing", id: "i.deep.id") c: Int @signedIn many(ids: [ID!]!): Int @owner(of: "Thing", id: "ids")`)
	if got := check(t, fine, good); got != "" {
		t.Fatalf("a good schema has faults:\n%s", got)
	}
	related := withQuery(`
		edit(i: In!): Int @owner(of: "Thing", id: "i.id", as: "READER") @owner(of: "Thing", id: "i.deep.id", as: "EDITOR", when: "i.n")
		scoped: Int @scopes(anyOf: [["read", "write"], ["read"]])
		either(id: ID): Int @owner(of: "Thing", id: "id", orScopes: [["read"]])`) + `extend type Thing { a: Int @owner(as: "READER", orScopes: ["read"]) b: Int @scopes(anyOf: "write") } extend enum ThingField { A B }`
	if got := check(t, related, good); got != "" {
		t.Errorf("relations, conditions and scopes have faults:\n%s", got)
	}
	federated := fine + `type _Service { sdl: String } union _Entity = Thing extend type Query { _service: _Service! _entities: [_Entity]! }`
	if got := check(t, federated, good); got != "" {
		t.Errorf("Federation's own fields have faults:\n%s", got)
	}
	named := fine + `enum ThingAction { BURN_IT SELL } type Mutation { burnIt(id: ID!): Int @owner(of: "Thing", id: "id") sellThing(id: ID!): Int @owner(of: "Thing", id: "id") }
		extend type ThingPermissions { actions: [ThingAction!]! @inherited }`
	if got := check(t, named, good); got != "" {
		t.Errorf("actions with the names of their mutations have faults:\n%s", got)
	}
	for _, c := range []struct{ name, sdl, want string }{
		{"undecided field", withQuery(`a: Int`), "Query.a: the field has no rule"},
		{"two rules", withQuery(`a: Int @public(reason: "x") @signedIn`), "Query.a: the field has 2 rules"},
		{"undecided in a type", fine + `type T { z: Int }`, "T.z: the field has no rule"},
		{"public without reason", withQuery(`a: Int @public`), "Query.a: @public on a root field requires a reason"},
		{"non-null, refusable", withQuery(`a: Int! @signedIn`), "Query.a: a field with @signedIn can be refused"},
		{"non-null owner field", fine + `extend type Thing { s: String! @owner }`, "Thing.s: a field with @owner can be refused"},
		{"of is missing", withQuery(`a(id: ID!): Int @owner(id: "id")`), "Query.a: @owner on a root field requires a type"},
		{"of is no type", withQuery(`a(id: ID!): Int @owner(of: "Nope", id: "id")`), `@owner(of: "Nope"): the schema has no such type`},
		{"of has no rows", withQuery(`a(id: ID!): Int @owner(of: "Box", id: "id")`), `@owner(of: "Box"): no module declares such an owned type`},
		{"no such argument", withQuery(`a(id: ID!): Int @owner(of: "Thing", id: "nr")`), "the field has no argument nr"},
		{"no such input field", withQuery(`a(i: In): Int @owner(of: "Thing", id: "i.nope")`), "In has no field nope"},
		{"through a scalar", withQuery(`a(i: In): Int @owner(of: "Thing", id: "i.id.x")`), "ID has no field x"},
		{"not an ID", withQuery(`a(i: In): Int @owner(of: "Thing", id: "i.n")`), "it is a Int, not an ID"},
		{"a list of lists", withQuery(`a(ids: [[ID!]!]!): Int @owner(of: "Thing", id: "ids")`), "it is a [ID!]!, not an ID"},
		{"an action without a mutation", fine + `enum ThingAction { BURN } type Mutation { burn: Int @signedIn }`, `ThingAction.BURN: no mutation burnThing with @owner(of: "Thing")`},
		{"an action by another rule", fine + `enum ThingAction { BURN } type Mutation { burnThing: Int @signedIn }`, `ThingAction.BURN: no mutation burnThing`},
		{"a mutation without its action", fine + `enum ThingAction { BURN } type Mutation { burnThing(id: ID): Int @owner(of: "Thing", id: "id") eatThing(id: ID): Int @owner(of: "Thing", id: "id") }`, `Mutation.eatThing: @owner(of: "Thing"), but ThingAction has no value for it`},
		{"an unknown relation", fine + `extend type Thing { s: String @owner(as: "BOSS") }`, `test.graphqls:17: Thing.s: @owner(as: "BOSS"): Thing has no such relation, only OWNER, EDITOR, READER`},
		{"an unknown relation of an argument", withQuery(`a(id: ID): Int @owner(of: "Thing", id: "id", as: "BOSS")`), `Query.a: @owner(as: "BOSS"): Thing has no such relation`},
		{"a type without relations", fine + `type Pin { s: String @owner(as: "EDITOR") }`, `Pin.s: @owner(as: "EDITOR"): Pin has no relations besides OWNER: add Relation and Relations`},
		{"an undeclared scope", withQuery(`a: Int @scopes(anyOf: [["read", "rule"]])`), `Query.a: @scopes names the scope "rule", which no module declares`},
		{"an undeclared scope of @owner", fine + `extend type Thing { s: String @owner(orScopes: [["rule"]]) }`, `Thing.s: @owner names the scope "rule"`},
		{"no scope", withQuery(`a: Int @scopes(anyOf: [])`), "Query.a: @scopes(anyOf: []): name at least one scope"},
		{"no scope in a list", withQuery(`a: Int @scopes(anyOf: [["read"], []])`), "Query.a: @scopes: a list in anyOf is empty"},
		{"non-null, scoped", withQuery(`a: Int! @scopes(anyOf: [["read"]])`), "Query.a: a field with @scopes can be refused"},
		{"when without an argument", withQuery(`a(i: In!): Int @owner(of: "Thing", id: "i.id") @owner(of: "Thing", id: "i.id", when: "i.x")`), `@owner(when: "i.x"): In! has no field x`},
		{"when that is required", withQuery(`a(i: In!): Int @owner(of: "Thing", id: "i.id") @owner(of: "Thing", id: "i.id", when: "i.must")`), `@owner(when: "i.must"): the argument is required`},
		{"only with an argument", withQuery(`a(i: In!): Int @owner(of: "Thing", id: "i.id", when: "i.n")`), "Query.a: the rule applies only with i.n"},
		{"twice only with an argument", withQuery(`a(i: In!): Int @owner(of: "Thing", id: "i.id", when: "i.n") @owner(of: "Thing", id: "i.id", when: "i.ids")`), "Query.a: each rule applies only with an argument"},
		{"when on a row's field", fine + `extend type Thing { s(x: Int): String @owner(when: "x") }`, "Thing.s: @owner takes when on root fields only"},
		{"the same rule twice", withQuery(`a(id: ID): Int @owner(of: "Thing", id: "id") @owner(of: "Thing", id: "id", orScopes: [["read"]])`), "another rule of the field has the same parameters"},
		{"different otherwise", withQuery(`a(id: ID): Int @owner(of: "Thing", id: "id") @owner(of: "Thing", id: "id", as: "EDITOR", otherwise: NULL)`), "repeated rules need the same otherwise"},
		{"repeated on a row's field", fine + `extend type Thing { s: String @owner @owner(as: "EDITOR") }`, "Thing.s: the field has 2 rules"},
		{"no viewerCan", strings.Replace(fine, "viewerCan: ThingPermissions @visible", "", 1), "Thing: an owned type needs viewerCan: add the field viewerCan: ThingPermissions @visible"},
		{"another viewerCan", strings.Replace(fine, "viewerCan: ThingPermissions", "viewerCan: Box", 1), "Thing.viewerCan: it is a Box, and needs the type ThingPermissions"},
		{"no enum of fields", strings.NewReplacer("[ThingField!]!", "Int", "enum ThingField { ID SECRET BOX }", "").Replace(fine), "Thing: viewerCan needs the enum ThingField"},
		{"a field without its value", fine + `extend type Thing { dueOn: Int @visible }`, "Thing.dueOn: the enum ThingField has no value for the field: add DUE_ON"},
		{"a value without its field", fine + `extend enum ThingField { DUE_ON }`, "ThingField.DUE_ON: Thing has no such field"},
		{"no list see", strings.Replace(fine, "see: [ThingField!]!", "look: [ThingField!]!", 1), "ThingPermissions: it needs the field see: [ThingField!]! @inherited"},
		{"no list of actions", strings.Replace(named, "actions: [ThingAction!]!", "does: [ThingAction!]!", 1), "ThingPermissions: it needs the field actions: [ThingAction!]! @inherited"},
		{"actions without mutations", fine + `extend type ThingPermissions { actions: [Int] @inherited }`, "ThingPermissions.actions: no mutation is about rows of Thing in this way"},
		{"no list of changes", named + `extend type Mutation { setThing(id: ID!, secret: String): Int @owner(of: "Thing", id: "id") } extend enum ThingAction { SET }`, "ThingPermissions: it needs the field edit: [ThingField!]! @inherited"},
		{"of on a row's field", fine + `extend type Thing { s: String @owner(of: "Thing", id: "x") }`, "Thing.s: @owner takes of and id on root fields only"},
		{"owner on a value", fine + `extend type Box { y: Int @owner }`, "Box.y: @owner is about a row, and no module declares the owned type Box: add owned.Declare"},
		{"visible on a value", fine + `extend type Box { y: Int @visible }`, "Box.y: @visible is about a row, and no module declares the owned type Box"},
		{"inherited at the root", withQuery(`a: Int @inherited`), "Query.a: @inherited on a root field"},
		{"inherited on a node", fine + `type N implements Node { id: ID! @inherited }`, "N.id: @inherited on a type with @key or Node"},
		{"inherited on a key", fine + `type N @key(fields: "x") { x: Int @inherited }`, "N.x: @inherited on a type with @key or Node"},
		{"inherited in _Entity", fine + `union _Entity = Box extend type Query { _entities: [_Entity]! }`, "Box.x: @inherited, but Query._entities leads here without a rule"},
		{"like _service", fine + `extend type Query { _services: Int }`, "Query._services: the field has no rule"},
		{"_service of another type", fine + `extend type Thing { _service: Int }`, "Thing._service: the field has no rule"},
		{"_entities of a mutation", fine + `type Mutation { _entities: Int }`, "Mutation._entities: the field has no rule"},
		{"more of _Service", fine + `type _Service { sdl: String secret: String }`, "_Service.secret: the field has no rule"},
		{"inherited behind nothing", fine + `extend type Thing { other: Box }`, "Box.x: @inherited, but Thing.other leads here without a rule"},
		{"inherited behind a union", fine + `union U = Box extend type Thing { u: U }`, "Box.x: @inherited, but Thing.u leads here without a rule"},
		{"rule on an interface", fine + `interface I { q: Int @signedIn }`, "I.q: a rule on a field of an INTERFACE never runs"},
		{"rule on an object", strings.Replace(fine, "@signedIn on FIELD_DEFINITION", "@signedIn on FIELD_DEFINITION | OBJECT", 1) + `type O @signedIn { q: Int @inherited }`, "O: a rule on a type never runs"},
		{"rule defined for objects", strings.Replace(fine, "repeatable on", "repeatable on OBJECT |", 1), "@owner: a rule must be on FIELD_DEFINITION only"},
	} {
		if got := check(t, c.sdl, good); !strings.Contains(got, c.want) {
			t.Errorf("%s: want a fault %q, got %q", c.name, c.want, got)
		}
	}

	dead := good
	dead.Root = struct{ SignedIn, Visible simple }{SignedIn: root().SignedIn}
	got := check(t, fine, dead)
	for _, want := range []string{"@owner: the rule does not run: gqlgen generates no call", "@visible: the rule does not run: it has no function"} {
		if !strings.Contains(got, want) {
			t.Errorf("with rules that do not run: want %q, got %q", want, got)
		}
	}
}
