package directives

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestEachRuleHasWords(t *testing.T) {
	t.Parallel()
	for name := range Names() {
		if readers(Rule{Name: name}) == "" {
			t.Errorf("@%s: say in inWords who may read the field", name)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: definitions + `
type Query {
  "All of them."
  a: Int @public(reason: "It is a number.")
  "Mine."
  b(i: In!): Int @owner(of: "Thing", id: "i.deep.id", otherwise: NULL)
  c: Int @signedIn
  d(i: In!): Int @owner(of: "Thing", id: "i.id", as: "EDITOR", orScopes: [["a", "b"], ["c"]]) @owner(of: "Thing", id: "i.id", when: "i.n")
  e: Int @scopes(anyOf: [["a"]])
}`})
	if err != nil {
		t.Fatal(err)
	}
	Describe(schema)
	for _, c := range []struct{ typ, field, want string }{
		{"Query", "a", "All of them.\n\nRule: `@public`. Anyone, signed in or not. It is a number."},
		{"Query", "b", "Mine.\n\nRule: `@owner(of: \"Thing\", id: \"i.deep.id\", otherwise: NULL)`. Only the owner of the Thing that `i.deep.id` names. If refused: null, without an error."},
		{"Query", "c", "Rule: `@signedIn`. Any signed-in member."},
		{"Query", "d", "Rule: `@owner(of: \"Thing\", id: \"i.id\", as: \"EDITOR\", orScopes: [[\"a\",\"b\"],[\"c\"]])`. Only viewers whose relation to the Thing that `i.id` names is EDITOR or stronger, and operators with `a` and `b`, or `c`." +
			"\n\nRule: `@owner(of: \"Thing\", id: \"i.id\", when: \"i.n\")`. If `i.n` is present: only the owner of the Thing that `i.id` names."},
		{"Query", "e", "Rule: `@scopes(anyOf: [[\"a\"]])`. Only operators with `a`."},
		{"Thing", "secret", "Rule: `@owner`. Only the owner of the row."},
		{"Node", "id", ""},
	} {
		if got := schema.Types[c.typ].Fields.ForName(c.field).Description; got != c.want {
			t.Errorf("%s.%s:\ngot  %q\nwant %q", c.typ, c.field, got, c.want)
		}
	}
}
