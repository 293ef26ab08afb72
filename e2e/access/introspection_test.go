package access

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// Introspection shows the rule of each field of each object type, and the reason why a root field is public.
func TestIntrospectionShowsTheRules(t *testing.T) {
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
	harness.Start(t).Do("", `{ __schema { types { name kind fields(includeDeprecated: true) { name description } } } }`, nil).Into(t, &data)
	written, seen := fieldsAsWritten(t), 0
	for _, typ := range data.Schema.Types {
		for _, f := range typ.Fields {
			if strings.HasPrefix(typ.Name, "_") || strings.HasPrefix(f.Name, "_") {
				continue // code decides about introspection and Federation's entry points
			}
			where, n := typ.Name+"."+f.Name, strings.Count(f.Description, "\n\nRule: `@")
			if typ.Kind != "OBJECT" {
				if n != 0 {
					t.Errorf("%s: a rule where none is possible: %q", where, f.Description)
				}
				continue
			}
			seen++
			if n != 1 {
				t.Errorf("%s has %d rules in its description: %q", where, n, f.Description)
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
			t.Errorf("%s has @%s, but is described with %q", where, d.Name, rule)
		}
		for _, a := range d.Arguments {
			if !strings.Contains(rule, a.Value.Raw) {
				t.Errorf("%s is described without the %s %q: %q", where, a.Name, a.Value.Raw, rule)
			}
		}
	}
}

// fieldsAsWritten returns the fields of the object types in schema.graphqls.
func fieldsAsWritten(t *testing.T) map[string]*ast.FieldDefinition {
	t.Helper()
	text, err := os.ReadFile("../../schema.graphqls")
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

// G15: the schema has the directives of the specification, its own and Federation's, and no experimental directives of a
// library. @defer and @stream are unknown, also in a fragment that is not used.
func TestDirectivesAreTheListedOnes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	var data struct {
		Schema struct{ Directives []struct{ Name string } } `json:"__schema"`
	}
	s.Do("", `{ __schema { directives { name } } }`, nil).Into(t, &data)
	var got []string
	for _, d := range data.Schema.Directives {
		got = append(got, d.Name)
	}
	slices.Sort(got)
	want := []string{"composeDirective", "deprecated", "include", "inherited", "key", "link", "oneOf", "owner", "public", "scopes", "shareable", "signedIn", "skip", "specifiedBy", "visible"}
	if !slices.Equal(got, want) {
		t.Errorf("the schema offers %v, want %v", got, want)
	}
	for _, query := range []string{
		`{ me { id ... @defer { email } } }`, `{ me { id ...F @defer } } fragment F on User { email }`, `query ($x: Boolean = true) { me { ... @defer(if: $x, label: "a") { email } } }`,
		`{ me { ...F } } fragment F on User { ... @defer { email } }`, `{ profiles { nodes @stream(initialCount: 1) { id } } }`, `mutation { ... @defer { signOut { success } } }`,
	} {
		r := s.Do(a.Token, query, nil)
		if r.Code() != "GRAPHQL_VALIDATION_FAILED" || !strings.Contains(r.Errors[0].Message, "Unknown directive") || strings.Contains(r.Body, `"data"`) || strings.Contains(r.Body, "hasNext") {
			t.Errorf("%s: %s", query, r.Body)
		}
	}
}

// In production, a document that reads the schema is invalid: not an internal error, and nothing of it runs. __typename is
// allowed.
func TestIntrospectionOfProductionIsAValidationError(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, harness.Production(t, d)...)
	for _, query := range []string{
		`{ __schema { queryType { name } } }`, `{ me { id } x: __type(name: "User") { name } }`, `{ ...F } fragment F on Query { __schema { types { name } } }`,
		`{ ... @skip(if: true) { __schema { types { name } } } }`,
	} {
		r := s.Do("", query, nil)
		if r.Status != 200 || r.Code() != "GRAPHQL_VALIDATION_FAILED" || !strings.Contains(r.Errors[0].Message, "Introspection is off") || strings.Contains(r.Body, `"data"`) {
			t.Errorf("%s: %d %s", query, r.Status, r.Body)
		}
	}
	if r := s.Do("", `{ __typename me { __typename } _service { sdl } }`, nil); len(r.Errors) > 0 || !strings.Contains(r.Body, `"__typename":"Query"`) {
		t.Errorf("__typename and _service: %s", r.Body)
	}
}
