package exec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/graph"
	"freehold.dev/freehold/graph/exec"
)

func load(t *testing.T, text string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: text})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return schema
}

// sameMeaning compares schemas without regard to places and comments.
var sameMeaning = cmp.Options{
	cmpopts.IgnoreTypes(&ast.Position{}, []*ast.Position{}, &ast.CommentGroup{}),
	cmp.Transformer("value", func(v *ast.Value) string { return v.String() }),
	cmpopts.EquateEmpty(),
	cmpopts.SortSlices(func(a, b *ast.Definition) bool { return a.Name < b.Name }),
}

const federation = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@composeDirective", "FieldSet", {name: "@tag", as: "@label"}])
  @link(url: "https://freehold.dev/rules/v1.0", import: ["@public"]) @composeDirective(name: "@public")
  @link(url: "https://example.org/levels/v1.0") @link(url: "https://example.org/cache/v1.0", import: ["@cached"])
scalar Import
scalar FieldSet
"One that is used by a rule alone."
enum Otherwise { ERROR NULL }
"Needed by a directive alone."
input Level { number: Int = 1, next: Level }
directive @link(url: String!, import: [Import]) repeatable on SCHEMA
directive @composeDirective(name: String!) repeatable on SCHEMA
directive @key(fields: FieldSet!) repeatable on OBJECT | INTERFACE
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @label(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @federation__override(from: String!) on FIELD_DEFINITION
directive @levels(of: Level) on ENUM_VALUE
directive @public(reason: String) on FIELD_DEFINITION
directive @owner(otherwise: Otherwise! = ERROR) on FIELD_DEFINITION
scalar _Any
union _Entity = Book | Stub
type _Service { sdl: String }
type Stub @key(fields: "id") { id: ID! @owner, author: StubAuthor, kin: OrphanKin, magazine: Magazine, titled: Titled, paper: Paper, by: By, root: Query, other: Mutation }
"Reached by an entity alone."
type StubAuthor { name: String }
extend type Query { _entities(representations: [_Any!]!): [_Entity]!  _service: _Service! }
`

// The schema of this test uses each kind of directive in each possible place.
func TestClientSDLLeavesOutWhatClientsCannotUse(t *testing.T) {
	t.Parallel()
	given := federation + `
type Query { book(id: ID! @label(name: "a")): Book @public(reason: "r") @shareable, node: Node, found: Found }
type Mutation { write: Int }
interface Titled { title: String }
union Found @label(name: "j") = Book | Paper
type Paper { id: ID! }
interface Node @key(fields: "id") @label(name: "b") { id: ID! @label(name: "c") }
type Book implements Node & Titled @key(fields: "id") @shareable { id: ID! @owner, title: String, state(in: Find): State @federation__override(from: "x"), when: Time }
type Magazine implements Node { id: ID! }
type Orphan { kin: OrphanKin }
scalar OrphanKin
enum State @label(name: "d") { OLD @levels(of: {number: 2}) NEW @label(name: "e") @deprecated(reason: "r") }
input Find @label(name: "f") { text: String @label(name: "g") }
scalar Time @label(name: "h") @specifiedBy(url: "https://example.org/time")
directive @cached(ttl: Int = 5 @label(name: "i"), by: By) on FIELD | FIELD_DEFINITION
enum By { ALL }
`
	want := `
type Query { book(id: ID!): Book, node: Node, found: Found }
type Mutation { write: Int }
interface Titled { title: String }
union Found = Book | Paper
type Paper { id: ID! }
interface Node { id: ID! }
type Book implements Node & Titled { id: ID!, title: String, state(in: Find): State, when: Time }
type Magazine implements Node { id: ID! }
type Orphan { kin: OrphanKin }
scalar OrphanKin
enum State { OLD NEW @deprecated(reason: "r") }
input Find { text: String }
scalar Time @specifiedBy(url: "https://example.org/time")
directive @cached(ttl: Int = 5, by: By) on FIELD | FIELD_DEFINITION
enum By { ALL }
`
	printed := exec.ClientSDL(load(t, given))
	if diff := cmp.Diff(load(t, want), load(t, printed), sameMeaning); diff != "" {
		t.Errorf("printed (+) is not what is wanted (-):\n%s\n%s", diff, printed)
	}
}

// Schemas that have nothing to leave out mean the same when they are printed.
func TestClientSDLKeepsTheRest(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"abstract types": `type Query { search: [Found!]! } union Found = A | B
interface Node { id: ID! } interface Named implements Node { id: ID! "Its name." name(long: Boolean = false): String }
type A implements Node & Named { id: ID! name(long: Boolean = false): String } type B implements Node { id: ID! }`,
		"@deprecated": `type Query { a(b: Int @deprecated(reason: "say \"c\"\\ \u0007é\n"), c: Int): E @deprecated }
enum E { X @deprecated(reason: "") Y } input I { a: Int @deprecated(reason: "x") b: Int }`,
		"default values": `type Query { a(i: In = {n: 1, list: ["x", "\"y\"\u0000"], e: [A, B], deep: {n: -1, f: 1.5e10}}, n: Int = null, b: Boolean = true, s: String = """ block "quoted" """): Int }
input In { n: Int! = 2, list: [String!] = [], e: [E!], deep: In, f: Float = 0.5 } enum E { A B }`,
		"descriptions": `"""
Two "lines",
  one indented, and a \""" in it.

After an empty line: a \ and a tab	here, é, 名.
"""
type Query { "one \"quoted\"" a("of an \\argument\"" b: Int, c: Int, """
third
""" d: Int): Int "" b: E } "ends with a quote\"" enum E { "a value" A B } "a directive" directive @d("its argument" a: Int) on FIELD`,
		"@oneOf and own directives": `directive @limit(max: Int! = 5) repeatable on FIELD_DEFINITION | ARGUMENT_DEFINITION
type Query { a(b: Pick @limit(max: 1) @limit): Int @limit(max: 2) } input Pick @oneOf { a: Int b: Int }`,
		"other roots":              `schema { query: Q mutation: M } type Q { a: Int } type M { a: Int } type Subscription { a: Int }`,
		"a root of a common name":  `schema { query: Query } type Query { a: Mutation } type Mutation { a: Int }`,
		"a described schema":       `"About it." schema { query: Query } type Query { a: Int }`,
		"a schema with directives": `schema @about(x: 1) { query: Query } directive @about(x: Int) on SCHEMA type Query { a: Int }`,
		"a subscription":           `type Query { a: Int } type Subscription { a: Int }`,
		"extensions":               `type Query { a: Int } extend type Query { b: B } enum B { X } extend enum B { Y } extend type C { c: Int }`,
	} {
		printed := exec.ClientSDL(load(t, text))
		if diff := cmp.Diff(load(t, text), load(t, printed), sameMeaning); diff != "" {
			t.Errorf("%s: printed (+) is not what was given (-):\n%s\n%s", name, diff, printed)
		}
	}
}

// A block string has no control characters, and no spaces around the text.
func TestClientSDLPrintsDescriptionsThatNoBlockStringHolds(t *testing.T) {
	t.Parallel()
	schema := load(t, exec.ClientSDL(load(t, `"\n  a\u0007b\r\nc\rd \n" type Query { a: Int }`)))
	if got := schema.Query.Description; got != "a b\nc\nd" {
		t.Errorf("the description is %q", got)
	}
}

// Types are in the order of their files, and each print is the same.
func TestClientSDLIsInOrder(t *testing.T) {
	t.Parallel()
	load := func() *ast.Schema {
		return gqlparser.MustLoadSchema(&ast.Source{Name: "b", Input: "type Z { a: Int } type Query { z: Z e: E }"},
			&ast.Source{Name: "a", Input: "directive @y on FIELD\ndirective @x on FIELD\ntype Y { a: Int } enum E { Y X }"})
	}
	var places []int
	text := exec.ClientSDL(load())
	for _, definition := range []string{"@y", "@x", "type Y", "enum E", "  Y\n", "  X\n", "type Z", "type Query"} {
		places = append(places, strings.Index(text, definition))
	}
	if !slices.IsSorted(places) || places[0] < 0 {
		t.Errorf("the order is another: %v in\n%s", places, text)
	}
	for range 20 {
		if again := exec.ClientSDL(load()); again != text {
			t.Fatalf("another text was printed:\n%s\n%s", text, again)
		}
	}
}

// The schema of this service keeps everything but Federation and the rules.
func TestClientSDLOfThisSchema(t *testing.T) {
	t.Parallel()
	described, given := graph.NewSchema(), graph.NewSchema()
	directives.Describe(described)
	directives.Describe(given)
	text := exec.ClientSDL(described)
	if strings.Contains(text, " \n") {
		t.Error("a line ends with a space")
	}
	printed := load(t, text)
	for name, typ := range given.Types {
		got := printed.Types[name]
		if slices.Contains([]string{"_Any", "_Entity", "_Service", "Otherwise"}, name) {
			if got != nil {
				t.Errorf("%s is printed", name)
			}
			continue
		}
		if got == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		typ.Fields = slices.DeleteFunc(typ.Fields, func(f *ast.FieldDefinition) bool { return f.Name == "_entities" || f.Name == "_service" })
		if diff := cmp.Diff(typ, got, sameMeaning, cmpopts.IgnoreTypes(ast.DirectiveList{})); diff != "" {
			t.Errorf("%s is another (+) than given (-):\n%s", name, diff)
		}
	}
	for name, d := range printed.Directives {
		if !d.Position.Src.BuiltIn {
			t.Errorf("@%s is printed", name)
		}
	}
}
