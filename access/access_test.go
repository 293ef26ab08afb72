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
directive @owner(of: String, id: String, otherwise: Otherwise! = ERROR) on FIELD_DEFINITION
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

// brief writes a row: the answers to nobody, nobody who sees, member, member who sees and owner, the holder, and the viewers that only one refuses.
func brief(f Field) string {
	var answers []string
	for _, v := range Viewers {
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
type Row { id: ID! @visible secret: Int @owner list: Int @owner(otherwise: NULL) bare: Int @owner moved: Int @visible any: Int @public member: Int @signedIn }
type Own { id: ID @owner seen: Int @visible }
type Page { info: Info @inherited }
type Info { n: Int @inherited }
type Loose { x: Int @inherited }
union Any = Loose
`, Layers{
		Types: map[string]Layer{"Row": {"rows_select", AdmitsVisible}, "Own": {"own_select", AdmitsOwner}},
		Fields: map[string][]Layer{
			"Row.secret": {{"secrets_select", AdmitsOwner}}, "Row.list": {{"secrets_select", AdmitsOwner}}, "Row.moved": {{"secrets_select", AdmitsOwner}},
			"Query.act": {{"rows_update", AdmitsOwner}, {"secrets_update", AdmitsOwner}}, "Query.mine": {{"app.mine", AdmitsMembers}}, "Query.end": {{"app.end", AdmitsOwner}},
		},
	})
	want := map[string]string{
		"Query.open":   `+++++ none []`,
		"Query.mine":   `UU+++ rule and policy []`,
		"Query.act":    `UUNF+ rule and policy []`,
		"Query.end":    `UUNN+ rule and policy []`,
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
	secrets := Layers{Fields: map[string][]Layer{"Row.secret": {{"secrets_select", AdmitsOwner}}}}
	both := matrix(t, sdl, secrets)
	alone := matrix(t, sdl, Layers{Types: map[string]Layer{"Row": {"rows_select", AdmitsVisible}}})
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
