package e2e

import (
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold/directives"
)

// isOwned reports whether objects of a type are rows that have an owner: a rule of some field is about the row.
func isOwned(schema *ast.Schema, t *ast.Definition) bool {
	return t.Kind == ast.Object && t != schema.Query && t != schema.Mutation && slices.ContainsFunc(t.Fields, func(f *ast.FieldDefinition) bool {
		return f.Directives.ForName("visible") != nil || f.Directives.ForName("owner") != nil
	})
}

// ownedBehind returns the owned types that a field leads to directly: it returns them, or a value such as a payload or an edge
// that has them.
func ownedBehind(schema *ast.Schema, f *ast.FieldDefinition, inLists bool) (types []*ast.Definition) {
	seen := map[string]bool{}
	var look func(*ast.FieldDefinition)
	look = func(f *ast.FieldDefinition) {
		t := schema.Types[f.Type.Name()]
		switch {
		case seen[t.Name] || !inLists && f.Type.Elem != nil:
			return
		case isOwned(schema, t):
			types = append(types, t)
		case t.Kind == ast.Object:
			for _, g := range t.Fields {
				seen[t.Name] = true
				look(g)
			}
		}
		seen[t.Name] = true
	}
	look(f)
	return types
}

// schemaFacts are what the tests know of a schema's owned types, from the schema alone.
type schemaFacts struct {
	withSignUp map[string]bool                 // the types of which each sign-up makes one row
	creators   map[string]*ast.FieldDefinition // the mutation that makes a row for its viewer, by the type
}

var knownFacts sync.Map // of schemas

func factsOf(schema *ast.Schema) *schemaFacts {
	if known, ok := knownFacts.Load(schema); ok {
		return known.(*schemaFacts)
	}
	f := &schemaFacts{withSignUp: map[string]bool{}, creators: map[string]*ast.FieldDefinition{}}
	if signUp := schema.Mutation.Fields.ForName("signUp"); signUp != nil {
		f.follow(schema, signUp)
	}
	for _, t := range schema.Types {
		if c := f.creator(schema, t); c != nil {
			f.creators[t.Name] = c
		}
	}
	knownFacts.Store(schema, f)
	return f
}

// follow collects what a sign-up makes: what its payload leads to without a list, which can be empty.
func (f *schemaFacts) follow(schema *ast.Schema, from *ast.FieldDefinition) {
	for _, t := range ownedBehind(schema, from, false) {
		if f.withSignUp[t.Name] {
			continue
		}
		f.withSignUp[t.Name] = true
		for _, g := range t.Fields {
			f.follow(schema, g)
		}
	}
}

// creator returns the mutation that makes a row of a type for its viewer: it is @signedIn and returns the row. One that is called
// create or add goes first, and counts even for a type of which the sign-up makes a row.
func (f *schemaFacts) creator(schema *ast.Schema, t *ast.Definition) (first *ast.FieldDefinition) {
	for _, m := range schema.Mutation.Fields {
		if m.Directives.ForName("signedIn") == nil || !slices.Contains(ownedBehind(schema, m, false), t) {
			continue
		}
		if strings.HasPrefix(m.Name, "create") || strings.HasPrefix(m.Name, "add") {
			return m
		}
		if first == nil && !f.withSignUp[t.Name] {
			first = m
		}
	}
	return first
}

// subjectOf returns the type whose row a mutation makes, changes or deletes, and the command; "" for another root field.
func subjectOf(schema *ast.Schema, f *ast.FieldDefinition) (typ, command string) {
	rule, _ := directives.RuleOf(f)
	switch {
	case schema.Mutation.Fields.ForName(f.Name) != f:
		return "", ""
	case rule.Of != "":
		return rule.Of, commandOf(rule.Of, f.Name)
	case rule.Name == "signedIn":
		for _, t := range ownedBehind(schema, f, false) {
			if factsOf(schema).creators[t.Name] != nil {
				return t.Name, "INSERT"
			}
		}
	}
	return "", ""
}

// commandOf is UPDATE or DELETE, as the registry has it for types that it knows.
func commandOf(typ, mutation string) string {
	if t := program.Registry().Lookup(typ); t != nil {
		for _, g := range t.MutationGuards(mutation) {
			if g.Command == "DELETE" {
				return g.Command
			}
		}
	}
	if strings.HasPrefix(mutation, "delete") {
		return "DELETE"
	}
	return "UPDATE"
}

// ownRow says by rule why the answer of a root field is the viewer's own row, whoever else there is; "" where it is not.
func ownRow(schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) string {
	returned := schema.Types[f.Type.Name()]
	switch {
	case root == schema.Query && len(f.Arguments) == 0 && f.Type.Elem == nil && isOwned(schema, returned):
		return showsTheViewer // nothing says whose row is meant
	case root == schema.Mutation && f.Directives.ForName("signedIn") != nil && len(ownedBehind(schema, f, true)) > 0:
		return changesTheViewer
	}
	return ""
}
