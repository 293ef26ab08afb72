package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Each field of each object type tells its rule to whoever introspects, and a root field why it is public.
func TestRulesAreInSight(t *testing.T) {
	t.Parallel()
	var data struct {
		Schema struct {
			Types []struct {
				Name   string
				Kind   string
				Fields []struct{ Name, Description string }
			}
		} `json:"__schema"`
	}
	start(t).do("", `{ __schema { types { name kind fields(includeDeprecated: true) { name description } } } }`, nil).into(t, &data)
	written, seen := fieldsAsWritten(t), 0
	for _, typ := range data.Schema.Types {
		for _, f := range typ.Fields {
			if strings.HasPrefix(typ.Name, "_") || strings.HasPrefix(f.Name, "_") {
				continue // introspection and Federation's entry points are decided in code
			}
			where, n := typ.Name+"."+f.Name, strings.Count(f.Description, "\n\nRule: `@")
			if typ.Kind != "OBJECT" {
				if n != 0 {
					t.Errorf("%s: a rule where none can stand: %q", where, f.Description)
				}
				continue
			}
			seen++
			if n != 1 {
				t.Errorf("%s tells %d rules: %q", where, n, f.Description)
			}
			checkRuleInSight(t, where, f.Description, written[where])
		}
	}
	if seen != len(written) || seen < 40 {
		t.Errorf("saw %d fields of %d", seen, len(written))
	}
}

func checkRuleInSight(t *testing.T, where, description string, f *ast.FieldDefinition) {
	t.Helper()
	if f == nil {
		t.Errorf("%s is not in the schema", where)
		return
	}
	words, rule, _ := strings.Cut(description, "\n\nRule: ")
	if words != f.Description {
		t.Errorf("%s is described as %q", where, words)
	}
	for _, d := range f.Directives {
		if !strings.HasPrefix(rule, "`@"+d.Name) {
			t.Errorf("%s has @%s, but tells %q", where, d.Name, rule)
		}
		for _, a := range d.Arguments {
			if !strings.Contains(rule, a.Value.Raw) {
				t.Errorf("%s does not tell the %s %q: %q", where, a.Name, a.Value.Raw, rule)
			}
		}
	}
}

// fieldsAsWritten returns the fields of object types in schema.graphqls.
func fieldsAsWritten(t *testing.T) map[string]*ast.FieldDefinition {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	document, err := parser.ParseSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]*ast.FieldDefinition{}
	for _, typ := range append(document.Definitions, document.Extensions...) {
		for _, f := range typ.Fields {
			if typ.Kind == ast.Object {
				fields[typ.Name+"."+f.Name] = f
			}
		}
	}
	return fields
}
