package cases

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/owned"
)

// Schema is a schema with what follows from it about the owned types.
type Schema struct {
	*ast.Schema

	WithSignUp map[string]bool                 // the types of which each sign-up creates one row
	Creators   map[string]*ast.FieldDefinition // the mutation that creates a row for its viewer, by type

	inserted map[string]bool // the types of which a seed inserts a row for each person
	subjects map[*ast.FieldDefinition]subject
}

// subject is the type whose row a mutation creates, changes or deletes, and the SQL command.
type subject struct{ typ, command string }

// NewSchema returns the schema of a program with these owned types. Seeds insert rows of some types.
func NewSchema(schema *ast.Schema, registry *owned.Registry, inserted ...string) *Schema {
	s := &Schema{
		Schema: schema, WithSignUp: map[string]bool{}, Creators: map[string]*ast.FieldDefinition{},
		inserted: map[string]bool{}, subjects: map[*ast.FieldDefinition]subject{},
	}
	for _, typ := range inserted {
		s.inserted[typ] = true
	}
	if schema.Mutation == nil {
		schema.Mutation = &ast.Definition{Kind: ast.Object, Name: "Mutation"}
	}
	for _, t := range registry.Types() {
		if t.Remote {
			s.WithSignUp[t.Name] = true // another service signs people up
		}
	}
	if signUp := schema.Mutation.Fields.ForName("signUp"); signUp != nil {
		s.follow(signUp)
	}
	for _, t := range schema.Types {
		if c := s.creator(registry, t); c != nil && !s.inserted[t.Name] {
			s.Creators[t.Name] = c
		}
	}
	for _, m := range schema.Mutation.Fields {
		s.subjects[m] = s.subject(registry, m)
	}
	return s
}

// IsOwned reports whether objects of a type are rows with an owner: the rule of some field is about the row.
func (s *Schema) IsOwned(t *ast.Definition) bool {
	return t.Kind == ast.Object && t != s.Query && t != s.Mutation && slices.ContainsFunc(t.Fields, func(f *ast.FieldDefinition) bool {
		return f.Directives.ForName("visible") != nil || f.Directives.ForName("owner") != nil
	})
}

// HasOwnRow reports whether each person has a row of a type that was created for them after the sign-up.
func (s *Schema) HasOwnRow(typ string) bool { return s.Creators[typ] != nil || s.inserted[typ] }

// OwnedBehind returns the owned types to which a field leads directly: it returns them, or a value that has them, such as a
// payload or an edge.
func (s *Schema) OwnedBehind(f *ast.FieldDefinition, inLists bool) (types []*ast.Definition) {
	seen := map[string]bool{}
	var look func(*ast.FieldDefinition)
	look = func(f *ast.FieldDefinition) {
		t := s.Types[f.Type.Name()]
		switch {
		case seen[t.Name] || !inLists && f.Type.Elem != nil:
			return
		case s.IsOwned(t):
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

// follow collects the types that a sign-up creates: those that its payload leads to without a list, which can be empty.
func (s *Schema) follow(from *ast.FieldDefinition) {
	for _, t := range s.OwnedBehind(from, false) {
		if s.WithSignUp[t.Name] {
			continue
		}
		s.WithSignUp[t.Name] = true
		for _, g := range t.Fields {
			s.follow(g)
		}
	}
}

// creator returns the mutation that creates a row of a type for its viewer, and returns the row. The mutation of this name, such as
// createNote or addNote, or that the type declares as an INSERT, has priority. Its rule may be @owner of a row that the new row
// refers to. Other mutations must be @signedIn: first one whose name begins with create or add, and then, if no sign-up creates a
// row, any other one.
func (s *Schema) creator(registry *owned.Registry, t *ast.Definition) *ast.FieldDefinition {
	var byPrefix, other *ast.FieldDefinition
	if t.Name == "User" {
		return nil // nobody creates a user but by signing up, although createRecoveryCodes, for example, returns one
	}
	for _, m := range s.Mutation.Fields {
		signedIn := m.Directives.ForName("signedIn") != nil
		if !signedIn && m.Directives.ForName("owner") == nil || !slices.Contains(s.OwnedBehind(m, false), t) {
			continue
		}
		named := createdBy(m.Name)
		switch {
		case named == t.Name || inserts(registry, t.Name, m.Name):
			return m
		case !signedIn:
		case named != "" && (s.Types[named] == nil || !s.IsOwned(s.Types[named])):
			byPrefix = firstOf(byPrefix, m)
		case named == "" && !s.WithSignUp[t.Name]:
			other = firstOf(other, m)
		}
	}
	return firstOf(byPrefix, other)
}

// inserts reports whether a type declares that a mutation inserts its rows.
func inserts(registry *owned.Registry, typ, mutation string) bool {
	t := registry.Lookup(typ)
	return t != nil && t.Actions[mutation] == "INSERT"
}

func firstOf(a, b *ast.FieldDefinition) *ast.FieldDefinition {
	if a != nil {
		return a
	}
	return b
}

// createdBy returns Note for createNote and addNote; "" for another name.
func createdBy(mutation string) string {
	for _, prefix := range []string{"create", "add"} {
		if typ, ok := strings.CutPrefix(mutation, prefix); ok {
			return typ
		}
	}
	return ""
}

// SubjectOf returns the type whose row a mutation creates, changes or deletes, and the command; "" for another root field.
func (s *Schema) SubjectOf(f *ast.FieldDefinition) (typ, command string) {
	return s.subjects[f].typ, s.subjects[f].command
}

// subject distinguishes a deletion from a change as the registry does or, for a type that it does not have, by the name.
func (s *Schema) subject(registry *owned.Registry, m *ast.FieldDefinition) subject {
	behind := s.OwnedBehind(m, false)
	for _, t := range behind {
		if s.Creators[t.Name] == m || createdBy(m.Name) == t.Name || inserts(registry, t.Name, m.Name) {
			return subject{t.Name, "INSERT"}
		}
	}
	rule, _ := directives.RuleOf(m)
	if rule.Of != "" {
		about := subject{rule.Of, "UPDATE"}
		if t := registry.Lookup(rule.Of); t == nil && strings.HasPrefix(m.Name, "delete") ||
			t != nil && slices.ContainsFunc(t.MutationGuards(m.Name), func(g owned.Guard) bool { return g.Command == "DELETE" }) {
			about.command = "DELETE"
		}
		return about
	}
	if rule.Name == "signedIn" {
		for _, t := range behind {
			if s.Creators[t.Name] != nil {
				return subject{t.Name, "INSERT"}
			}
		}
	}
	return subject{}
}

// ownRow returns, from the schema, why a root field returns a row of the viewer; "" if it does not.
func (s *Schema) ownRow(root *ast.Definition, f *ast.FieldDefinition) Own {
	returned := s.Types[f.Type.Name()]
	switch {
	case root == s.Query && len(f.Arguments) == 0 && f.Type.Elem == nil && s.IsOwned(returned):
		return ShowsViewer // no argument says whose row
	case root == s.Mutation && f.Directives.ForName("signedIn") != nil && len(s.OwnedBehind(f, true)) > 0:
		return ChangesViewer
	}
	return ""
}
