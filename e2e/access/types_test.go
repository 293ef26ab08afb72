package access

import (
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/owned"
)

// isOwned reports whether objects of a type are rows with an owner: the rule of some field is about the row.
func isOwned(schema *ast.Schema, t *ast.Definition) bool {
	return t.Kind == ast.Object && t != schema.Query && t != schema.Mutation && slices.ContainsFunc(t.Fields, func(f *ast.FieldDefinition) bool {
		return f.Directives.ForName("visible") != nil || f.Directives.ForName("owner") != nil
	})
}

// ownedBehind returns the owned types to which a field leads directly: it returns them, or a value that has them, such as a
// payload or an edge.
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

// schemaFacts are what the tests know about a schema's owned types, from the schema alone.
type schemaFacts struct {
	withSignUp map[string]bool                 // the types of which each sign-up creates one row
	creators   map[string]*ast.FieldDefinition // the mutation that creates a row for its viewer, by type
	subjects   map[*ast.FieldDefinition]subject
}

// subject is the type whose row a mutation creates, changes or deletes, and the SQL command.
type subject struct{ typ, command string }

var knownFacts sync.Map // by schema

func factsOf(schema *ast.Schema) *schemaFacts {
	if known, ok := knownFacts.Load(schema); ok {
		return known.(*schemaFacts)
	}
	f := &schemaFacts{withSignUp: map[string]bool{}, creators: map[string]*ast.FieldDefinition{}, subjects: map[*ast.FieldDefinition]subject{}}
	if signUp := schema.Mutation.Fields.ForName("signUp"); signUp != nil {
		f.follow(schema, signUp)
	}
	for _, t := range schema.Types {
		if c := f.creator(schema, t); c != nil {
			f.creators[t.Name] = c
		}
	}
	registry := harness.Program.Registry()
	for _, m := range schema.Mutation.Fields {
		f.subjects[m] = f.subject(schema, registry, m)
	}
	knownFacts.Store(schema, f)
	return f
}

// follow collects the types that a sign-up creates: those that its payload leads to without a list, which can be empty.
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

// creator returns the mutation that creates a row of a type for its viewer: it is @signedIn and returns the row. A mutation
// whose name begins with create or add has priority, and is the creator even if the sign-up also creates a row.
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

// subjectOf returns the type whose row a mutation creates, changes or deletes, and the command; "" for another root field.
func subjectOf(schema *ast.Schema, f *ast.FieldDefinition) (typ, command string) {
	s := factsOf(schema).subjects[f]
	return s.typ, s.command
}

// subject distinguishes a deletion from a change as the registry does or, for a type that it does not have, by the name.
func (f *schemaFacts) subject(schema *ast.Schema, registry *owned.Registry, m *ast.FieldDefinition) subject {
	rule, _ := directives.RuleOf(m)
	if rule.Of != "" {
		s := subject{rule.Of, "UPDATE"}
		if t := registry.Lookup(rule.Of); t == nil && strings.HasPrefix(m.Name, "delete") ||
			t != nil && slices.ContainsFunc(t.MutationGuards(m.Name), func(g owned.Guard) bool { return g.Command == "DELETE" }) {
			s.command = "DELETE"
		}
		return s
	}
	if rule.Name == "signedIn" {
		for _, t := range ownedBehind(schema, m, false) {
			if f.creators[t.Name] != nil {
				return subject{t.Name, "INSERT"}
			}
		}
	}
	return subject{}
}

// ownRow returns, from the schema, why a root field returns a row of the viewer; "" if it does not.
func ownRow(schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) string {
	returned := schema.Types[f.Type.Name()]
	switch {
	case root == schema.Query && len(f.Arguments) == 0 && f.Type.Elem == nil && isOwned(schema, returned):
		return showsTheViewer // no argument says whose row
	case root == schema.Mutation && f.Directives.ForName("signedIn") != nil && len(ownedBehind(schema, f, true)) > 0:
		return changesTheViewer
	}
	return ""
}
