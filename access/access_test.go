package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const definitions = `
directive @public(reason: String) on FIELD_DEFINITION
directive @visible on FIELD_DEFINITION
directive @signedIn on FIELD_DEFINITION
directive @owner(of: String, id: String, as: String! = "OWNER", when: String, orScopes: [[String!]!], otherwise: Otherwise! = ERROR) repeatable on FIELD_DEFINITION
directive @scopes(anyOf: [[String!]!]!) on FIELD_DEFINITION
directive @inherited on FIELD_DEFINITION
enum Otherwise { ERROR NULL }
`

func matrix(t *testing.T, sdl string, layers Layers) *Matrix {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: definitions + sdl})
	if err != nil {
		t.Fatal(err)
	}
	return New(schema, layers)
}

// brief writes a row: the answers to nobody, nobody who sees, member, member who sees, relations, owner and operator, the holder, and the
// viewers that only one refuses.
func brief(f Field) string {
	var answers []string
	for _, v := range Columns(f) {
		answers = append(answers, map[Answer]string{Value: "+", Null: "0", "NOT_FOUND": "N", "FORBIDDEN": "F", "UNAUTHENTICATED": "U"}[f.Answers[v]])
	}
	return strings.Join(answers, "") + " " + string(f.HeldBy) + fmt.Sprintf(" %q", f.HeldOnce)
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	m := matrix(t, `
type Query {
  open: Row @public(reason: "It is open.")
  mine: Page @signedIn
  act(id: ID): Page @owner(of: "Row", id: "id")
  either: Any @public(reason: "It is open.")
  end(id: ID): Int @owner(of: "Own", id: "id")
}
type Far { id: ID! @visible mine: Int @owner rows: Int @owner }
type Row { id: ID! @visible secret: Int @owner list: Int @owner(otherwise: NULL) bare: Int @owner moved: Int @visible any: Int @public member: Int @signedIn }
type Own { id: ID @owner seen: Int @visible }
type Page { info: Info @inherited }
type Info { n: Int @inherited }
type Loose { x: Int @inherited }
union Any = Loose
`, Layers{
		Types: map[string]Layer{"Row": {Name: "rows_select", Admits: AdmitsVisible}, "Own": {Name: "own_select", Admits: AdmitsOwner}, "Far": {Admits: AdmitsEveryone}},
		Fields: map[string][]Layer{
			"Far.rows":   {{Name: "secrets_select", Admits: AdmitsOwner}},
			"Row.secret": {{Name: "secrets_select", Admits: AdmitsOwner}}, "Row.list": {{Name: "secrets_select", Admits: AdmitsOwner}}, "Row.moved": {{Name: "secrets_select", Admits: AdmitsOwner}},
			"Query.act": {{Name: "rows_update", Admits: AdmitsOwner}, {Name: "secrets_update", Admits: AdmitsOwner}}, "Query.mine": {{Name: "app.mine", Admits: AdmitsMembers}}, "Query.end": {{Name: "app.end", Admits: AdmitsOwner}},
		},
	})
	want := map[string]string{
		"Query.open":   `+++++ none []`,
		"Query.mine":   `UU+++ rule and policy []`,
		"Query.act":    `UUNF+ rule and policy []`,
		"Query.end":    `UUNN+ rule and policy []`,
		"Far.id":       `+++++ none []`,
		"Far.mine":     `UUFF+ rule ["nobody" "nobody, visible-to" "member" "member, visible-to"]`,
		"Far.rows":     `UUFF+ rule and policy []`,
		"Row.id":       `N+N++ rule and policy []`,
		"Row.secret":   `UUNF+ rule and policy []`,
		"Row.list":     `0000+ rule and policy []`,
		"Row.bare":     `UUNF+ rule ["nobody, visible-to" "member, visible-to"]`,
		"Row.moved":    `N+N++ policy ["nobody, visible-to" "member, visible-to"]`,
		"Row.any":      `+++++ policy ["nobody" "member"]`,
		"Row.member":   `UU+++ rule ["nobody, visible-to" "member"]`,
		"Own.id":       `UUNN+ rule and policy []`,
		"Own.seen":     `NNNN+ rule and policy []`,
		"Page.info":    `UU+++ rule and policy []`, // as the widest of mine and act
		"Info.n":       `UU+++ rule and policy []`,
		"Loose.x":      `+++++ none []`,
		"Query.either": `+++++ none []`,
	}
	for name, row := range want {
		f, known := m.Find(name)
		if got := brief(f); !known || got != row {
			t.Errorf("%s: %s, want %s", name, got, row)
		}
	}
	if f, _ := m.Find("Info.n"); fmt.Sprint(f.DecidedBy) != "[Query.mine Query.act]" {
		t.Errorf("Info.n is decided by %v", f.DecidedBy)
	}
	if f, _ := m.Find("Row.bare"); !strings.Contains(f.Why, "Only one of the two refuses: nobody, visible-to; member, visible-to.") {
		t.Errorf("Row.bare: why %q", f.Why)
	}
	if f, _ := m.Find("Query.open"); f.Why != "It is open." || f.Reason != f.Why {
		t.Errorf("Query.open: why %q", f.Why)
	}
}

func TestMatrixIsInTheOrderOfTheSchema(t *testing.T) {
	t.Parallel()
	m := matrix(t, "type _Service { sdl: String }\ntype Query { _service: _Service z: Int @public(reason: \"x\") a: Int @public(reason: \"x\") }\ntype Box { x: Int @inherited }\n", Layers{})
	var names []string
	for _, f := range m.Fields {
		names = append(names, f.String())
	}
	if got, want := strings.Join(names, " "), "Query._service Query.z Query.a Query.__schema Query.__type Box.x _Service.sdl"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A refusal by fewer layers than before is widened, although no answer differs.
func TestDiffNoticesLostLayers(t *testing.T) {
	t.Parallel()
	const sdl = `type Query { r: Row @public(reason: "x") } type Row { secret: Int @owner }`
	secrets := Layers{Fields: map[string][]Layer{"Row.secret": {{Name: "secrets_select", Admits: AdmitsOwner}}}}
	both := matrix(t, sdl, secrets)
	alone := matrix(t, sdl, Layers{Types: map[string]Layer{"Row": {Name: "rows_select", Admits: AdmitsVisible}}})
	d := Diff(both, alone)
	want := "[Row.secret [nobody, visible-to]: refused by rule and policy -> only one of rule and policy Row.secret [member, visible-to]: refused by rule and policy -> only one of rule and policy]"
	if fmt.Sprint(d.Widened) != want || len(d.Narrowed)+len(d.Changed) != 0 {
		t.Errorf("%+v, want %s", d, want)
	}
	d = Diff(alone, both)
	if len(d.Narrowed) != 2 || len(d.Widened)+len(d.Changed) != 0 {
		t.Errorf("%+v", d)
	}
	quiet := matrix(t, strings.Replace(sdl, "@owner", "@owner(otherwise: NULL)", 1), secrets)
	if d := Diff(both, quiet); len(d.Changed) != 4 || len(d.Widened)+len(d.Narrowed) != 0 {
		t.Errorf("%+v", d)
	}
}

// A type with relations has a column for each, and a field with scopes one for operators. Rules and policies of which one names less
// than the other refuse alone.
func TestMatrixOfRelationsAndScopes(t *testing.T) {
	t.Parallel()
	relations := []string{"EDITOR", "MEMBER"}
	books := Layer{Name: "books_select", Admits: AdmitsVisible, Relations: relations, Scopes: []string{"books:read"}}
	updates := func(admits Admits, scopes ...string) []Layer {
		return []Layer{{Name: "books_update", Admits: admits, Relations: relations, Scopes: scopes}}
	}
	m := matrix(t, `
type Query {
  book(id: ID): Book @owner(of: "Book", id: "id", as: "MEMBER")
  all: Page @scopes(anyOf: [["books:read"], ["all:read", "all:list"]])
  mine: Page @signedIn
}
type Mutation {
  update(id: ID, open: Int, title: Int): Int
    @owner(of: "Book", id: "id", as: "EDITOR") @owner(of: "Book", id: "id", when: "open") @owner(of: "Book", id: "id", as: "EDITOR", when: "title", orScopes: [["books:edit"]])
  narrow(id: ID): Int @owner(of: "Book", id: "id")
  moderate(id: ID): Int @owner(of: "Book", id: "id", orScopes: [["books:read", "books:edit"], ["books:edit"]])
  invite(id: ID): Int @owner(of: "Book", id: "id", as: "EDITOR")
}
type Book { title: Int @visible plan: Int @owner(as: "MEMBER") keys: Int @owner(as: "EDITOR", otherwise: NULL) notes: Page @owner(as: "MEMBER") secret: Int @scopes(anyOf: [["books:read"]]) }
type Note { text: Int @visible }
type Part { bare: Int @owner(as: "MEMBER") }
type Page { size: Int @inherited }
`, Layers{
		Types: map[string]Layer{
			"Book": books, "Note": {Name: "notes_select", Admits: AdmitsRelated, Relations: relations}, "Part": {Name: "parts_select", Admits: "EDITOR", Relations: relations},
		},
		Fields: map[string][]Layer{
			"Mutation.update": updates("EDITOR"), "Mutation.narrow": updates("EDITOR"), "Mutation.moderate": updates(AdmitsOwner, "books:edit"),
			"Mutation.invite": {{Name: "app.invite", Admits: "EDITOR"}}, "Query.all": {{Name: "app.all", Admits: AdmitsOperators, Scopes: []string{"books:read", "all:read"}}},
			"Query.book": {books},
		},
	})
	for name, row := range map[string]string{
		"Book.title":                 `N+N+++++ rule and policy []`,
		"Book.plan":                  `UUNF+++F rule ["nobody, visible-to" "member, visible-to" "operator"]`,
		"Book.keys":                  `00000++0 rule ["nobody, visible-to" "member, visible-to" "MEMBER" "operator"]`,
		"Book.secret":                `UUFFFFF+ rule ["nobody, visible-to" "member, visible-to" "MEMBER" "EDITOR" "owner"]`,
		"Note.text":                  `NNNN+++ rule and policy []`,
		"Part.bare":                  `UUNN+++ policy ["MEMBER"]`,
		"Query.book":                 `UUNF+++F rule ["nobody, visible-to" "member, visible-to" "operator"]`,
		"Query.all":                  `UUFFF+ rule and policy []`,
		"Mutation.update":            `UUNFF++F rule and policy []`,
		"Mutation.update with open":  `UUNFFF+F rule ["EDITOR"]`,
		"Mutation.update with title": `UUNFF++N rule and policy []`, // an operator does not see the row without books:read
		"Mutation.narrow":            `UUNFFF+F rule ["EDITOR"]`,
		"Mutation.moderate":          `UUNFFF++ rule and policy []`,
		"Mutation.invite":            `UUNFF++F rule and policy []`,
		"Page.size":                  `UU++++++ rule ["nobody" "nobody, visible-to"]`, // members get there by mine
	} {
		f, known := m.Find(name)
		if got := brief(f); !known || got != row {
			t.Errorf("%s: %s, want %s", name, got, row)
		}
	}
	all, _ := m.Find("Query.all")
	for scopes, want := range map[string]Answer{"": "FORBIDDEN", "books:read": Value, "all:read": "FORBIDDEN", "all:list all:read": Value, "books:edit": "FORBIDDEN"} {
		if got, _ := all.For(Member, strings.Fields(scopes)...); got != want {
			t.Errorf("Query.all to a member with %q: %s, want %s", scopes, got, want)
		}
	}
}

// A weaker relation or another alternative of scopes is widened, and so is a column that was not there. The reverse is narrowed.
func TestDiffNoticesRelationsAndScopes(t *testing.T) {
	t.Parallel()
	of := func(rule string, relations ...string) *Matrix {
		return matrix(t, `type Query { r: Row @public(reason: "x") } type Row { f: Int `+rule+` }`,
			Layers{Types: map[string]Layer{"Row": {Name: "rows_select", Admits: AdmitsVisible, Relations: relations}}})
	}
	both := []string{"EDITOR", "MEMBER"}
	for _, c := range []struct {
		before, after *Matrix
		widened       string
	}{
		{of(`@owner`, both...), of(`@owner(as: "EDITOR")`, both...), "Row.f [EDITOR]: FORBIDDEN -> value"},
		{of(`@owner(as: "EDITOR")`, both...), of(`@owner(as: "MEMBER")`, both...), "Row.f [MEMBER]: FORBIDDEN -> value"},
		{of(`@visible`), of(`@visible`, both...), "Row.f [MEMBER]: NOT_FOUND -> value; Row.f [EDITOR]: NOT_FOUND -> value"},
		{of(`@owner`), of(`@owner(orScopes: [["a"]])`), "Row.f [operator]: NOT_FOUND -> value; Row.f [operator]: refused by rule and policy -> only one of rule and policy"},
		{of(`@scopes(anyOf: [["a", "b"]])`), of(`@scopes(anyOf: [["b"]])`), "Row.f [operator with a and b] -> [operator with b]"},
		{of(`@scopes(anyOf: [["a"]])`), of(`@scopes(anyOf: [["a"], ["b"]])`), "Row.f [operator with a] -> [operator with a, or b]"},
	} {
		if d := Diff(c.before, c.after); strings.Join(d.Widened, "; ") != c.widened || len(d.Narrowed) != 0 {
			t.Errorf("%+v, want %s", d, c.widened)
		}
		if d := Diff(c.after, c.before); len(d.Narrowed) == 0 || len(d.Widened) != 0 {
			t.Errorf("back: %+v", d)
		}
	}
}

// The tables of Markdown have the columns of their type only, and the legend explains what the matrix has.
func TestMarkdownHasTheColumnsOfEachType(t *testing.T) {
	t.Parallel()
	m := matrix(t, `type Query { r: Row @public(reason: "x") }
type Mutation { act(id: ID, x: Int): Int @owner(of: "Row", id: "id", as: "EDITOR") @owner(of: "Row", id: "id", when: "x") stop: Int @scopes(anyOf: [["rows:stop"]]) }
type Row { f: Int @owner(as: "EDITOR") }
type Other { f: Int @visible }`, Layers{Types: map[string]Layer{
		"Row": {Name: "rows_select", Admits: AdmitsRelated, Relations: []string{"EDITOR", "MEMBER"}}, "Other": {Name: "others_select", Admits: AdmitsVisible},
	}})
	var text strings.Builder
	if err := m.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"is a relation that members can have", "An *operator* is", "A mutation *with* an argument",
		"## Query\n\n| field | rule | nobody | nobody, visible-to | member | member, visible-to | owner | held by",
		"## Mutation\n\n| field | rule | nobody | nobody, visible-to | member | member, visible-to | MEMBER | EDITOR | owner | operator | held by",
		"| `act` with `x` | `@owner(of: \"Row\", id: \"id\", as: \"EDITOR\") @owner(of: \"Row\", id: \"id\", when: \"x\")` | UNAUTHENTICATED | UNAUTHENTICATED | " +
			"NOT_FOUND | NOT_FOUND | FORBIDDEN | FORBIDDEN | **value** | – |",
		"| `stop` | `@scopes(anyOf: [[\"rows:stop\"]])` | UNAUTHENTICATED | UNAUTHENTICATED | FORBIDDEN | FORBIDDEN | – | – | FORBIDDEN | **value** |",
		"## Other\n\n| field | rule | nobody | nobody, visible-to | member | member, visible-to | owner | held by",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s in\n%s", want, &text)
		}
	}
}
