package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// schemaText returns the text of the program's schema, including Federation's part.
func schemaText(t testing.TB) string {
	t.Helper()
	return harness.Program.Text()
}

func parseSchema(t testing.TB, text string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// call is a selected field, and the type behind it.
type call struct {
	parent *ast.Definition
	def    *ast.FieldDefinition
	on     *ast.Definition // the object type behind it; nil for a scalar
	key    string          // of a representation: the fields that identify the object
	object bool            // the type behind it has fields of its own
}

func (c call) name() string { return c.parent.Name + "." + c.def.Name }

// style is how a query selects an object behind an interface or a union.
type style string

const (
	plain       style = ""          // nothing special: the field returns the object's own type
	inline      style = "inline"    // ... on T
	named       style = "named"     // ...F, with fragment F on T
	byInterface style = "interface" // ... on Node { id ... on T }
)

const (
	listedID  = "id" // how a query distinguishes the objects of a list
	mostOften = 2    // how often a type may be on a path: with two, each cycle is closed once
)

type step struct {
	call
	style  style
	withID bool // the path selects the object's id
}

// path leads from a root field to the fields of a type, its leaves. A path without steps has a root field as its leaf.
type path struct {
	root   *ast.Definition
	steps  []step
	leaves []call
}

func (p path) isMutation() bool { return p.root.Name == "Mutation" }

// rootField returns the field of Query or Mutation with which the path begins.
func (p path) rootField() call {
	if len(p.steps) > 0 {
		return p.steps[0].call
	}
	return p.leaves[0]
}

func (p path) String() string {
	names := []string{p.root.Name}
	for _, s := range p.steps {
		name := s.def.Name
		if s.style != plain {
			name += "(" + string(s.style) + " " + s.on.Name + ")"
		}
		names = append(names, name)
	}
	if root := p.rootField(); root.key != "" {
		names[0] += " by " + root.key
	}
	if len(p.steps) == 0 {
		names = append(names, p.leaves[0].def.Name)
		if on := p.leaves[0].on; on != nil {
			names = append(names, "("+on.Name+")")
		}
	}
	return strings.Join(names, " ")
}

// end returns the name of the type at the end of the path, or of its only field.
func (p path) end() string {
	if len(p.steps) > 0 {
		return p.steps[len(p.steps)-1].on.Name
	}
	return p.leaves[0].name()
}

func (p path) count(t *ast.Definition) (n int) {
	for _, s := range p.steps {
		if s.on == t {
			n++
		}
	}
	return n
}

// throughList reports whether the reply may have other objects beside the one that the path leads to.
func (p path) throughList() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.def.Type.Elem != nil })
}

// tellsWhose reports whether the path selects an id that identifies the target's object in a list. Without an id, as among
// the edges of a connection, the test accepts any object.
func (p path) tellsWhose() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.withID })
}

// toldBy returns the type whose id identifies the elements of the list at the n-th step, or nil if the path selects no id
// there. Then the test accepts any element.
func (p path) toldBy(n int) *ast.Definition {
	for _, s := range p.steps[n:] {
		if s.withID {
			return s.on
		}
	}
	return nil
}

// subjectAt returns the number of steps to the row that the root field's payload is about: the first owned type on the path.
func (p path) subjectAt(schema *ast.Schema) int {
	return 1 + slices.IndexFunc(p.steps, func(s step) bool { return isOwned(schema, s.on) })
}

// ownersAlone reports whether a field among the first n steps is owner-only. Then everything behind it belongs to the target,
// in any element of a list.
func (p path) ownersAlone(n int) bool {
	return slices.ContainsFunc(p.steps[:n], func(s step) bool { return s.def.Directives.ForName("owner") != nil && s.parent != p.root })
}

// throughPage reports whether one of the first n steps leads to a page of a connection.
func (p path) throughPage(n int) bool {
	return slices.ContainsFunc(p.steps[:n], func(s step) bool { return s.on != nil && s.on.Fields.ForName("pageInfo") != nil })
}

// then returns the path with one more step, and the fields of the type it reaches as leaves.
func (p path) then(schema *ast.Schema, c call, how style) path {
	q := path{root: p.root, steps: append(slices.Clone(p.steps), step{call: c, style: how})}
	last := &q.steps[len(q.steps)-1]
	oneOfMany := q.throughList() && (!q.ownersAlone(len(q.steps)) || factsOf(schema).creators[c.on.Name] != nil)
	last.withID = c.on.Fields.ForName(listedID) != nil && (how == byInterface || oneOfMany)
	for _, f := range c.on.Fields {
		q.leaves = append(q.leaves, calls(schema, c.on, f)[0])
	}
	return q
}

// pathsOf returns every path from Query and Mutation to every object type, shorter ones first.
func pathsOf(schema *ast.Schema) (paths []path) {
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		if root == nil {
			continue
		}
		for _, f := range root.Fields {
			for _, c := range calls(schema, root, f) {
				paths = append(paths, path{root: root, leaves: []call{c}})
				paths = append(paths, walk(schema, path{root: root}, c)...)
			}
		}
	}
	slices.SortStableFunc(paths, func(a, b path) int { return len(a.steps) - len(b.steps) })
	return paths
}

func walk(schema *ast.Schema, p path, c call) (paths []path) {
	if c.on == nil || strings.HasPrefix(c.on.Name, "__") || p.count(c.on) == mostOften {
		return nil
	}
	if p.count(c.parent) == mostOften && c.on.Fields.ForName("edges") != nil {
		return nil // a page of the object that closes the cycle was already on the path
	}
	for i, how := range styles(schema, c) {
		q := p.then(schema, c, how)
		if paths = append(paths, q); i > 0 {
			continue // the fields behind it do not depend on the path
		}
		for _, f := range c.on.Fields {
			for _, next := range calls(schema, c.on, f) {
				paths = append(paths, walk(schema, q, next)...)
			}
		}
	}
	return paths
}

// calls returns a field once for each object type that can be behind it. It returns a field that takes representations once
// for each key of those types.
func calls(schema *ast.Schema, parent *ast.Definition, f *ast.FieldDefinition) (list []call) {
	returned := schema.Types[f.Type.Name()]
	c := call{parent: parent, def: f, object: returned.IsCompositeType()}
	if !c.object {
		return []call{c}
	}
	for _, t := range schema.GetPossibleTypes(returned) {
		c.on = t
		if f.Arguments.ForName("representations") == nil {
			list = append(list, c)
			continue
		}
		for _, d := range t.Directives.ForNames("key") {
			c.key = d.Arguments.ForName("fields").Value.Raw
			list = append(list, c)
		}
	}
	return list
}

func styles(schema *ast.Schema, c call) []style {
	switch {
	case schema.Types[c.def.Type.Name()] == c.on:
		return []style{plain}
	case slices.Contains(c.on.Interfaces, "Node"):
		return []style{inline, named, byInterface}
	default:
		return []style{inline, named}
	}
}

// document is a query under construction.
type document struct {
	arguments  func(call, *ast.ArgumentDefinition) (value any, known bool, err error)
	variables  harness.Vars
	parameters []string
	fragments  []string
}

// query returns the path as an operation with variables.
func (p path) query(arguments func(call, *ast.ArgumentDefinition) (any, bool, error)) (text string, v harness.Vars, err error) {
	d := &document{arguments: arguments, variables: harness.Vars{}}
	body, err := d.steps(p.steps, p.leaves)
	if err != nil {
		return "", nil, err
	}
	parameters := ""
	if len(d.parameters) > 0 {
		parameters = "(" + strings.Join(d.parameters, ", ") + ")"
	}
	return strings.ToLower(p.root.Name) + parameters + " { " + body + " } " + strings.Join(d.fragments, " "), d.variables, nil
}

func (d *document) steps(steps []step, leaves []call) (string, error) {
	if len(steps) == 0 {
		return d.leaves(leaves)
	}
	s := steps[0]
	field, err := d.call(s.call)
	if err != nil {
		return "", err
	}
	body, err := d.steps(steps[1:], leaves)
	if err != nil {
		return "", err
	}
	if s.withID {
		body = listedID + " " + body
	}
	switch s.style {
	case plain:
	case inline:
		body = fmt.Sprintf("... on %s { %s }", s.on.Name, body)
	case named:
		fragment := fmt.Sprintf("F%d", len(d.fragments))
		d.fragments = append(d.fragments, fmt.Sprintf("fragment %s on %s { %s }", fragment, s.on.Name, body))
		body = "..." + fragment
	case byInterface:
		body = fmt.Sprintf("... on Node { %s ... on %s { %s } }", listedID, s.on.Name, body)
	}
	return field + " { " + body + " }", nil
}

func (d *document) leaves(leaves []call) (string, error) {
	var fields []string
	for _, c := range leaves {
		field, err := d.call(c)
		if err != nil {
			return "", err
		}
		switch {
		case c.on != nil && c.on.Fields.ForName("nodes") != nil:
			field += " { nodes { __typename } }" // a connection exists if it has an entry
		case c.object:
			field += " { __typename }" // only its existence matters
		}
		fields = append(fields, field)
	}
	return strings.Join(fields, " "), nil
}

// call writes a field with its arguments, each as a variable. It omits an optional argument without a known value.
func (d *document) call(c call) (string, error) {
	var written []string
	for _, a := range c.def.Arguments {
		value, known, err := d.arguments(c, a)
		if err != nil {
			return "", err
		}
		if !known && a.Type.NonNull && a.DefaultValue == nil {
			return "", fmt.Errorf("no value is known for the argument %s of %s: add it to argumentValue in arguments_test.go", a.Name, c.name())
		}
		if known {
			name := fmt.Sprintf("v%d", len(d.parameters))
			d.parameters = append(d.parameters, "$"+name+": "+a.Type.String())
			d.variables[name] = value
			written = append(written, a.Name+": $"+name)
		}
	}
	if len(written) == 0 {
		return c.def.Name, nil
	}
	return c.def.Name + "(" + strings.Join(written, ", ") + ")", nil
}
