package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/internal/proof/findings"
)

// Arguments returns the value of an argument of a call. The call omits an argument without a known value.
type Arguments func(Call, *ast.ArgumentDefinition) (value any, known bool, err error)

// document is a query under construction.
type document struct {
	arguments  Arguments
	variables  map[string]any
	parameters []string
	fragments  []string
}

// Query returns the path as an operation with variables.
func (p Path) Query(arguments Arguments) (text string, v map[string]any, err error) {
	d := &document{arguments: arguments, variables: map[string]any{}}
	body, err := d.steps(p.Steps, p.Leaves)
	if err != nil {
		return "", nil, err
	}
	return d.operation(p.Root, body), d.variables, nil
}

// SelectAll returns a call of a mutation that selects everything that it returns to a member without scopes.
func (s *Schema) SelectAll(m *ast.FieldDefinition, arguments Arguments) (text string, v map[string]any, err error) {
	d := &document{arguments: arguments, variables: map[string]any{}}
	field, err := d.call(Call{Parent: s.Mutation, Def: m})
	if err != nil {
		return "", nil, err
	}
	return d.operation(s.Mutation, field+s.everything(m, nil)), d.variables, nil
}

// everything selects all fields of a type that need no argument, and those of the types behind it, each type once on a path.
func (s *Schema) everything(f *ast.FieldDefinition, above []string) string {
	t := s.Types[f.Type.Name()]
	if t.Kind != ast.Object {
		return ""
	}
	above = append(slices.Clone(above), t.Name)
	selection := []string{"__typename"}
	for _, g := range t.Fields {
		if below := s.Types[g.Type.Name()]; needsArgument(g) || g.Directives.ForName("scopes") != nil || below.IsAbstractType() || slices.Contains(above, below.Name) {
			continue
		}
		selection = append(selection, g.Name+s.everything(g, above))
	}
	return " { " + strings.Join(selection, " ") + " }"
}

func needsArgument(f *ast.FieldDefinition) bool {
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			return true
		}
	}
	return false
}

// operation returns an operation with the parameters and fragments so far.
func (d *document) operation(root *ast.Definition, body string) string {
	parameters := ""
	if len(d.parameters) > 0 {
		parameters = "(" + strings.Join(d.parameters, ", ") + ")"
	}
	return strings.ToLower(root.Name) + parameters + " { " + body + " } " + strings.Join(d.fragments, " ")
}

func (d *document) steps(steps []Step, leaves []Call) (string, error) {
	if len(steps) == 0 {
		return d.leaves(leaves)
	}
	s := steps[0]
	field, err := d.call(s.Call)
	if err != nil {
		return "", err
	}
	body, err := d.steps(steps[1:], leaves)
	if err != nil {
		return "", err
	}
	if s.WithID {
		body = ID + " " + body
	}
	switch s.Style {
	case plain:
	case Inline:
		body = fmt.Sprintf("... on %s { %s }", s.On.Name, body)
	case named:
		fragment := fmt.Sprintf("F%d", len(d.fragments))
		d.fragments = append(d.fragments, fmt.Sprintf("fragment %s on %s { %s }", fragment, s.On.Name, body))
		body = "..." + fragment
	case byInterface:
		body = fmt.Sprintf("... on Node { %s ... on %s { %s } }", ID, s.On.Name, body)
	}
	return field + " { " + body + " }", nil
}

func (d *document) leaves(leaves []Call) (string, error) {
	var fields []string
	for _, c := range leaves {
		field, err := d.call(c)
		if err != nil {
			return "", err
		}
		switch {
		case c.On != nil && c.On.Fields.ForName("nodes") != nil:
			field += " { nodes { __typename } }" // a connection exists if it has an entry
		case c.Object:
			field += " { __typename }" // only its existence matters
		}
		fields = append(fields, field)
	}
	return strings.Join(fields, " "), nil
}

// call writes a field with its arguments, each as a variable. It omits an optional argument without a known value.
func (d *document) call(c Call) (string, error) {
	var written []string
	for _, a := range c.Def.Arguments {
		value, known, err := d.arguments(c, a)
		if err != nil {
			return "", err
		}
		if !known && a.Type.NonNull && a.DefaultValue == nil {
			return "", findings.Missing(c.typ(), "no value is known for the argument %s of %s: add %q to Seed.Values", a.Name, c.Field(), c.Field()+"."+a.Name)
		}
		if known {
			name := fmt.Sprintf("v%d", len(d.parameters))
			d.parameters = append(d.parameters, "$"+name+": "+a.Type.String())
			d.variables[name] = value
			written = append(written, a.Name+": $"+name)
		}
	}
	if len(written) == 0 {
		return c.Def.Name, nil
	}
	return c.Def.Name + "(" + strings.Join(written, ", ") + ")", nil
}
