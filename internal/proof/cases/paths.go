package cases

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
)

// Call is a selected field, and the type behind it.
type Call struct {
	Parent *ast.Definition
	Def    *ast.FieldDefinition
	On     *ast.Definition // the object type behind it; nil for a scalar
	Key    string          // of a representation: the fields that identify the object
	Object bool            // the type behind it has fields of its own
	With   string          // an argument with rules of its own, which the call has; it leaves out the other ones
}

// Field returns the field as Type.field.
func (c Call) Field() string { return c.Parent.Name + "." + c.Def.Name }

// Name returns the name of the row of the access matrix that is about the call.
func (c Call) Name() string {
	return access.Field{Type: c.Parent.Name, Name: c.Def.Name, When: c.With}.String()
}

// typ returns the name of the object type behind the field; "" for a scalar.
func (c Call) typ() string {
	if c.On == nil {
		return ""
	}
	return c.On.Name
}

// Style is how a query selects an object behind an interface or a union.
type Style string

// The styles.
const (
	plain       Style = ""          // nothing special: the field returns the object's own type
	Inline      Style = "inline"    // ... on T
	named       Style = "named"     // ...F, with fragment F on T
	byInterface Style = "interface" // ... on Node { id ... on T }
)

const (
	// ID is the field with which a query distinguishes the objects of a list.
	ID = "id"

	mostOften = 2 // how often a type may be on a path: with two, each cycle is closed once
)

// Step is a call on the way to a type.
type Step struct {
	Call
	Style  Style
	WithID bool // the path selects the object's id
}

// Path leads from a root field to the fields of a type, its leaves. A path without steps has a root field as its leaf.
type Path struct {
	Root   *ast.Definition
	Steps  []Step
	Leaves []Call
}

// IsMutation reports whether the path begins at a mutation.
func (p Path) IsMutation() bool { return p.Root.Name == "Mutation" }

// IsPlain reports whether no object on the path is behind an interface or a union.
func (p Path) IsPlain() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Style != plain })
}

// RootField returns the field of Query or Mutation with which the path begins.
func (p Path) RootField() Call {
	if len(p.Steps) > 0 {
		return p.Steps[0].Call
	}
	return p.Leaves[0]
}

func (p Path) String() string {
	names := []string{p.Root.Name}
	for _, s := range p.Steps {
		name := s.Def.Name
		if s.Style != plain {
			name += "(" + string(s.Style) + " " + s.On.Name + ")"
		}
		names = append(names, name)
	}
	if root := p.RootField(); root.Key != "" {
		names[0] += " by " + root.Key
	}
	if len(p.Steps) == 0 {
		names = append(names, p.Leaves[0].Def.Name)
		if on := p.Leaves[0].On; on != nil {
			names = append(names, "("+on.Name+")")
		}
		if with := p.Leaves[0].With; with != "" {
			names = append(names, "with "+with)
		}
	}
	return strings.Join(names, " ")
}

// End returns the name of the type at the end of the path, or of its only field.
func (p Path) End() string {
	if len(p.Steps) > 0 {
		return p.Steps[len(p.Steps)-1].On.Name
	}
	return p.Leaves[0].Name()
}

func (p Path) count(t *ast.Definition) (n int) {
	for _, s := range p.Steps {
		if s.On == t {
			n++
		}
	}
	return n
}

// ThroughList reports whether the reply may have other objects beside the one that the path leads to.
func (p Path) ThroughList() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Def.Type.Elem != nil })
}

// SelectsID reports whether the path selects an id that identifies the target's object in a list. Without an id, as among
// the edges of a connection, the test accepts any object.
func (p Path) SelectsID() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.WithID })
}

// IdentifiedBy returns the type whose id identifies the elements of the list at the n-th step, or nil if the path selects no id
// there. Then the test accepts any element.
func (p Path) IdentifiedBy(n int) *ast.Definition {
	for _, s := range p.Steps[n:] {
		if s.WithID {
			return s.On
		}
	}
	return nil
}

// SubjectAt returns the number of steps to the row that the root field's payload is about: the first owned type on the path.
func (p Path) SubjectAt(schema *Schema) int {
	return 1 + slices.IndexFunc(p.Steps, func(s Step) bool { return schema.IsOwned(s.On) })
}

// OwnersAlone reports whether a field among the first n steps is owner-only. Then everything behind it belongs to the target,
// in any element of a list.
func (p Path) OwnersAlone(n int) bool {
	return slices.ContainsFunc(p.Steps[:n], func(s Step) bool { return s.Def.Directives.ForName("owner") != nil && s.Parent != p.Root })
}

// ThroughPage reports whether one of the first n steps leads to a page of a connection.
func (p Path) ThroughPage(n int) bool {
	return slices.ContainsFunc(p.Steps[:n], func(s Step) bool { return s.On != nil && s.On.Fields.ForName("pageInfo") != nil })
}

// then returns the path with one more step, and the fields of the type it reaches as leaves.
func (p Path) then(schema *Schema, c Call, how Style) Path {
	q := Path{Root: p.Root, Steps: append(slices.Clone(p.Steps), Step{Call: c, Style: how})}
	last := &q.Steps[len(q.Steps)-1]
	oneOfMany := q.ThroughList() && (!q.OwnersAlone(len(q.Steps)) || schema.HasOwnRow(c.On.Name))
	last.WithID = c.On.Fields.ForName(ID) != nil && (how == byInterface || oneOfMany)
	for _, f := range c.On.Fields {
		q.Leaves = append(q.Leaves, Calls(schema, c.On, f)[0])
	}
	return q
}

// pathsOf returns every path from Query and Mutation to every object type, shorter ones first.
func pathsOf(schema *Schema) (paths []Path) {
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		if root == nil {
			continue
		}
		for _, f := range root.Fields {
			for _, c := range Calls(schema, root, f) {
				paths = append(paths, Path{Root: root, Leaves: []Call{c}})
				paths = append(paths, walk(schema, Path{Root: root}, c)...)
				for _, when := range conditions(f) {
					with := c
					with.With = when
					paths = append(paths, Path{Root: root, Leaves: []Call{with}})
				}
			}
		}
	}
	slices.SortStableFunc(paths, func(a, b Path) int { return len(a.Steps) - len(b.Steps) })
	return shorter(paths)
}

const (
	everyPath    = 3   // the number of steps of paths that are all taken
	mostQueries  = 600 // the number of longer paths is limited
	mostMutating = 250 // each request on one of these has people of its own
)

// shorter returns the paths without the longest ones, if a schema has very many. They lead to types that shorter paths lead to as well.
func shorter(paths []Path) []Path {
	longest := map[bool]int{}
	for _, mutation := range []bool{false, true} {
		most, seen := map[bool]int{false: mostQueries, true: mostMutating}[mutation], 0
		for _, p := range paths {
			if p.IsMutation() != mutation {
				continue
			}
			if seen++; seen > most {
				longest[mutation] = max(everyPath, len(p.Steps)-1)
				break
			}
			longest[mutation] = len(p.Steps)
		}
	}
	return slices.DeleteFunc(paths, func(p Path) bool { return len(p.Steps) > longest[p.IsMutation()] })
}

func walk(schema *Schema, p Path, c Call) (paths []Path) {
	if c.On == nil || strings.HasPrefix(c.On.Name, "__") || p.count(c.On) == mostOften {
		return nil
	}
	if c.Def.Name == "viewerCan" && len(p.Steps) > 2 {
		return nil // what it lists does not depend on the path; see package permissions
	}
	if p.count(c.Parent) == mostOften && c.On.Fields.ForName("edges") != nil {
		return nil // a page of the object that closes the cycle was already on the path
	}
	for i, how := range styles(schema, c) {
		q := p.then(schema, c, how)
		if paths = append(paths, q); i > 0 {
			continue // the fields behind it do not depend on the path
		}
		for _, f := range c.On.Fields {
			for _, next := range Calls(schema, c.On, f) {
				paths = append(paths, walk(schema, q, next)...)
			}
		}
	}
	return paths
}

// Calls returns a field once for each object type that can be behind it. It returns a field that takes representations once
// for each key of those types.
func Calls(schema *Schema, parent *ast.Definition, f *ast.FieldDefinition) (list []Call) {
	returned := schema.Types[f.Type.Name()]
	c := Call{Parent: parent, Def: f, Object: returned.IsCompositeType()}
	if !c.Object {
		return []Call{c}
	}
	for _, t := range schema.GetPossibleTypes(returned) {
		c.On = t
		if f.Arguments.ForName("representations") == nil {
			list = append(list, c)
			continue
		}
		for _, d := range t.Directives.ForNames("key") {
			c.Key = d.Arguments.ForName("fields").Value.Raw
			list = append(list, c)
		}
	}
	return list
}

func styles(schema *Schema, c Call) []Style {
	switch {
	case schema.Types[c.Def.Type.Name()] == c.On:
		return []Style{plain}
	case slices.Contains(c.On.Interfaces, "Node"):
		return []Style{Inline, named, byInterface}
	default:
		return []Style{Inline, named}
	}
}
