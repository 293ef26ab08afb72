package exec

import (
	"bytes"
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"freehold.dev/freehold/directives"
)

// ClientSDL returns a schema for client tools. It leaves out what only routers and the server use: the fields _entities and
// _service, the directives that @link imports, the rules, and types that only these need. It keeps directives that a client can
// write in a document. It changes the schema, so pass one that is not shared.
func ClientSDL(schema *ast.Schema) string {
	unused := leaveOut(schema)
	var text bytes.Buffer
	paragraph := func(d *ast.SchemaDocument) {
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatSchemaDocument(d)
	}
	if entry := entryPoint(schema); entry != nil {
		paragraph(&ast.SchemaDocument{Schema: ast.SchemaDefinitionList{entry}})
	}
	for _, d := range inOrder(schema.Directives, func(d *ast.DirectiveDefinition) *ast.Position { return d.Position }) {
		if d.Position == nil || !d.Position.Src.BuiltIn {
			paragraph(&ast.SchemaDocument{Directives: ast.DirectiveDefinitionList{d}})
		}
	}
	for _, t := range inOrder(schema.Types, func(t *ast.Definition) *ast.Position { return t.Position }) {
		if !t.BuiltIn && !unused[t.Name] {
			paragraph(&ast.SchemaDocument{Definitions: ast.DefinitionList{t}})
		}
	}
	return spacesAlone.ReplaceAllString(text.String(), "")
}

// The formatter indents the empty lines of a description.
var spacesAlone = regexp.MustCompile(`(?m)^ +$`)

// inOrder returns definitions in the order of their files.
func inOrder[T any](byName map[string]T, position func(T) *ast.Position) []T {
	file := func(d T) (name string, start int) {
		if p := position(d); p != nil {
			return p.Src.Name, p.Start
		}
		return "", 0
	}
	list := make([]T, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	slices.SortStableFunc(list, func(a, b T) int {
		aFile, aStart := file(a)
		bFile, bStart := file(b)
		return cmp.Or(strings.Compare(aFile, bFile), cmp.Compare(aStart, bStart))
	})
	return list
}

// entryPoint returns the definition of the schema itself; nil if it is unnecessary, since the root types have their usual names.
func entryPoint(s *ast.Schema) *ast.SchemaDefinition {
	entry := &ast.SchemaDefinition{Description: s.Description, Directives: s.SchemaDirectives}
	needed := s.Description != "" || len(s.SchemaDirectives) > 0
	root := func(operation ast.Operation, t *ast.Definition, usual string) {
		needed = needed || t != s.Types[usual]
		if t != nil {
			entry.OperationTypes = append(entry.OperationTypes, &ast.OperationTypeDefinition{Operation: operation, Type: t.Name})
		}
	}
	root(ast.Query, s.Query, "Query")
	root(ast.Mutation, s.Mutation, "Mutation")
	root(ast.Subscription, s.Subscription, "Subscription")
	if !needed {
		return nil
	}
	return entry
}

// leaveOut removes fields, directives and their uses from the schema. It returns the types that nothing else needs.
func leaveOut(s *ast.Schema) map[string]bool {
	out := reached{}
	linked := linkedBy(s.SchemaDirectives)
	for name, d := range s.Directives {
		if !slices.ContainsFunc(d.Locations, inDocuments) && (linked(name) || directives.IsRule(name)) {
			out.arguments(s, d.Arguments)
			delete(s.Directives, name)
		}
	}
	s.Query.Fields = slices.DeleteFunc(s.Query.Fields, func(f *ast.FieldDefinition) bool {
		if f.Name != "_entities" && f.Name != "_service" {
			return false
		}
		out.field(s, f)
		return true
	})
	eachElement(s, func(description *string, uses *ast.DirectiveList) {
		*description = printable(*description)
		*uses = slices.DeleteFunc(*uses, func(d *ast.Directive) bool { return s.Directives[d.Name] == nil })
	})
	needed := reached{}
	for _, d := range s.Directives {
		needed.arguments(s, d.Arguments)
	}
	for name, t := range s.Types {
		if !out[name] || t == s.Query || t == s.Mutation || t == s.Subscription {
			needed.add(s, name)
		}
	}
	maps.DeleteFunc(out, func(name string, _ bool) bool { return needed[name] })
	return out
}

// inDocuments reports whether a client can write a directive at a location.
func inDocuments(l ast.DirectiveLocation) bool {
	return slices.Contains([]ast.DirectiveLocation{
		ast.LocationQuery, ast.LocationMutation, ast.LocationSubscription, ast.LocationField, ast.LocationFragmentDefinition,
		ast.LocationFragmentSpread, ast.LocationInlineFragment, ast.LocationVariableDefinition,
	}, l)
}

// linkedBy returns a function that reports whether a directive is @link itself or comes from a @link
// (https://specs.apollo.dev/link/v1.0): imported, or under the name of its specification.
func linkedBy(uses ast.DirectiveList) func(directive string) bool {
	names, prefixes := map[string]bool{"link": true}, []string{}
	for _, use := range uses.ForNames("link") {
		if imports := use.Arguments.ForName("import"); imports != nil {
			for _, c := range imports.Value.Children {
				names[strings.TrimPrefix(importedName(c.Value), "@")] = true
			}
		}
		specification := ""
		if as := use.Arguments.ForName("as"); as != nil {
			specification = as.Value.Raw
		} else if url := use.Arguments.ForName("url"); url != nil {
			specification = path.Base(path.Dir(url.Value.Raw)) // …/federation/v2.1
		}
		names[specification] = true
		prefixes = append(prefixes, specification+"__")
	}
	return func(directive string) bool {
		return names[directive] || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(directive, p) })
	}
}

// importedName returns the name of an import in this schema. The value is "@key" or {name: "@key", as: "@entity"}.
func importedName(v *ast.Value) string {
	for _, name := range []string{"as", "name"} {
		if child := v.Children.ForName(name); child != nil {
			return child.Raw
		}
	}
	return v.Raw
}

// eachElement calls f with the description and the directives of everything in a schema.
func eachElement(s *ast.Schema, f func(description *string, uses *ast.DirectiveList)) {
	arguments := func(list ast.ArgumentDefinitionList) {
		for _, a := range list {
			f(&a.Description, &a.Directives)
		}
	}
	f(&s.Description, &s.SchemaDirectives)
	for _, d := range s.Directives {
		f(&d.Description, &d.Directives)
		arguments(d.Arguments)
	}
	for _, t := range s.Types {
		f(&t.Description, &t.Directives)
		for _, field := range t.Fields {
			f(&field.Description, &field.Directives)
			arguments(field.Arguments)
		}
		for _, v := range t.EnumValues {
			f(&v.Description, &v.Directives)
		}
	}
}

// printable replaces the characters that a block string cannot have.
func printable(description string) string {
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(description)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, lines))
}

// reached is a set of types, together with all types that they need.
type reached map[string]bool

func (r reached) add(s *ast.Schema, name string) {
	t := s.Types[name]
	if r[name] || t == nil {
		return
	}
	r[name] = true
	for _, f := range t.Fields {
		r.field(s, f)
	}
	for _, name := range t.Interfaces {
		r.add(s, name)
	}
	for _, possible := range s.GetPossibleTypes(t) {
		r.add(s, possible.Name)
	}
}

func (r reached) field(s *ast.Schema, f *ast.FieldDefinition) {
	r.add(s, f.Type.Name())
	r.arguments(s, f.Arguments)
}

func (r reached) arguments(s *ast.Schema, list ast.ArgumentDefinitionList) {
	for _, a := range list {
		r.add(s, a.Type.Name())
	}
}
