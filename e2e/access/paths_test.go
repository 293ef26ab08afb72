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

// schemaText is the program's schema as it is written, what serves Federation included.
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

// call is a field that is asked for, and what is met behind it.
type call struct {
	parent *ast.Definition
	def    *ast.FieldDefinition
	on     *ast.Definition // the object type behind it; nil for a scalar
	key    string          // of a representation: the fields that find the object
	object bool            // what is behind it has fields of its own
}

func (c call) name() string { return c.parent.Name + "." + c.def.Name }

// style is how a query gets at an object behind an interface or a union.
type style string

const (
	plain       style = ""          // it needs nothing: the field returns the object's own type
	inline      style = "inline"    // ... on T
	named       style = "named"     // ...F, with fragment F on T
	byInterface style = "interface" // ... on Node { id ... on T }
)

const (
	listedID  = "id" // what tells the objects of a list from each other
	mostOften = 2    // how often a type may stand on a path: twice closes each cycle once
)

type step struct {
	call
	style  style
	withID bool // the object's id is asked for on the way
}

// path leads from a root field to the fields of a type, its leaves. A path without steps has a root field as its leaf.
type path struct {
	root   *ast.Definition
	steps  []step
	leaves []call
}

func (p path) isMutation() bool { return p.root.Name == "Mutation" }

// rootField is the field of Query or Mutation that the path begins with.
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

// end is the type at the end of the path, or its only field.
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

// throughList reports whether there may be other objects beside the one that the path leads to.
func (p path) throughList() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.def.Type.Elem != nil })
}

// tellsWhose reports whether the path asks for an id by which the target's object in a list is known. Where it does not,
// as among the edges of a connection, any object is as good as another.
func (p path) tellsWhose() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.withID })
}

// toldBy returns the type whose id tells the elements of the list at the n-th step from each other; nil where no id is asked for in
// an element. Then any is as good as another.
func (p path) toldBy(n int) *ast.Definition {
	for _, s := range p.steps[n:] {
		if s.withID {
			return s.on
		}
	}
	return nil
}

// subjectAt is after how many steps the row is reached that the root field's payload is about: the first owned type on the way.
func (p path) subjectAt(schema *ast.Schema) int {
	return 1 + slices.IndexFunc(p.steps, func(s step) bool { return isOwned(schema, s.on) })
}

// ownersAlone reports whether a field on the path up to its n-th step is only the owner's: all that lies behind is the
// target's then, whichever object of a list it is.
func (p path) ownersAlone(n int) bool {
	return slices.ContainsFunc(p.steps[:n], func(s step) bool { return s.def.Directives.ForName("owner") != nil && s.parent != p.root })
}

// throughPage reports whether one of the first n steps leads to a page of a connection.
func (p path) throughPage(n int) bool {
	return slices.ContainsFunc(p.steps[:n], func(s step) bool { return s.on != nil && s.on.Fields.ForName("pageInfo") != nil })
}

// then returns the path with one step more, and the fields of the type it reaches as leaves.
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

// pathsOf returns every path from Query and Mutation to every object type, the shorter ones first.
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
		return nil // what is in a page of the object that closes the cycle was met on the way
	}
	for i, how := range styles(schema, c) {
		q := p.then(schema, c, how)
		if paths = append(paths, q); i > 0 {
			continue // what lies behind does not depend on how it was come by
		}
		for _, f := range c.on.Fields {
			for _, next := range calls(schema, c.on, f) {
				paths = append(paths, walk(schema, q, next)...)
			}
		}
	}
	return paths
}

// calls returns a field once for each object type that can be behind it, and a field that takes representations once
// for each key of those.
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

// document is a query in the making.
type document struct {
	arguments  func(call, *ast.ArgumentDefinition) (value any, known bool, err error)
	variables  harness.Vars
	parameters []string
	fragments  []string
}

// query writes the path as an operation with variables.
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
			field += " { nodes { __typename } }" // a connection is there if anything is in it
		case c.object:
			field += " { __typename }" // only whether it is there counts
		}
		fields = append(fields, field)
	}
	return strings.Join(fields, " "), nil
}

// call writes a field with its arguments, each a variable. An argument without a known value is left out if it may be.
func (d *document) call(c call) (string, error) {
	var written []string
	for _, a := range c.def.Arguments {
		value, known, err := d.arguments(c, a)
		if err != nil {
			return "", err
		}
		if !known && a.Type.NonNull && a.DefaultValue == nil {
			return "", fmt.Errorf("no value is known for the argument %s of %s: add it to argumentValue in access_arguments_test.go", a.Name, c.name())
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
