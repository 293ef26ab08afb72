package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/graph"
)

// A type with a key that is not in _Entity would compose, but routers could not load it.
func TestEntitiesAreTheTypesWithAKey(t *testing.T) {
	t.Parallel()
	schema := testSchema()
	for name, typ := range schema.Schema().Types {
		keyed, entity := typ.Directives.ForName("key") != nil, slices.Contains(schema.Schema().Types["_Entity"].Types, name)
		if keyed != entity {
			t.Errorf("%s: with @key: %v, in _Entity: %v", name, keyed, entity)
		}
	}
}

func TestEveryElementOfTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	schema := graph.NewSchema() // as written, without the rules
	seen := 0
	described := func(where, description string) {
		if seen++; !strings.HasSuffix(strings.TrimSpace(description), ".") {
			t.Errorf("%s is not described by a sentence: %q", where, description)
		}
	}
	for name, directive := range schema.Directives {
		if directive.Position.Src.BuiltIn {
			continue
		}
		described("@"+name, directive.Description)
		for _, a := range directive.Arguments {
			described("@"+name+"("+a.Name+")", a.Description)
		}
	}
	for name, typ := range schema.Types {
		if typ.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}
		described(name, typ.Description)
		for _, v := range typ.EnumValues {
			described(name+"."+v.Name, v.Description)
		}
		for _, f := range typ.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				describedField(described, name+"."+f.Name, f)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d elements were looked at", seen)
	}
}

func describedField(described func(where, description string), where string, f *ast.FieldDefinition) {
	described(where, f.Description)
	for _, a := range f.Arguments {
		described(where+"("+a.Name+")", a.Description)
	}
}
