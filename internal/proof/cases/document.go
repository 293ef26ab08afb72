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
	return Together([]Path{p}, arguments)
}

// Together returns paths with the same root field as one operation, which selects each field once. At most one path may select objects behind
// interfaces and unions.
func Together(paths []Path, arguments Arguments) (text string, v map[string]any, err error) {
	var all Selection
	for _, p := range paths {
		all.Add(p)
	}
	d := &document{arguments: arguments, variables: map[string]any{}}
	body, err := d.fields(&all)
	if err != nil {
		return "", nil, err
	}
	return d.operation(paths[0].Root, body), d.variables, nil
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

func (d *document) fields(of *Selection) (string, error) {
	fields := slices.Clone(of.extra)
	for _, s := range of.below {
		field, err := d.call(s.call)
		if err != nil {
			return "", err
		}
		body, err := d.fields(s)
		if err != nil {
			return "", err
		}
		if body != "" {
			field += " { " + d.styled(s, body) + " }"
		}
		fields = append(fields, field)
	}
	return strings.Join(fields, " "), nil
}

// styled selects the fields of an object behind an interface or a union.
func (d *document) styled(s *Selection, body string) string {
	switch s.style {
	case plain:
	case Inline:
		return fmt.Sprintf("... on %s { %s }", s.call.On.Name, body)
	case named:
		fragment := fmt.Sprintf("F%d", len(d.fragments))
		d.fragments = append(d.fragments, fmt.Sprintf("fragment %s on %s { %s }", fragment, s.call.On.Name, body))
		return "..." + fragment
	case byInterface:
		return fmt.Sprintf("... on Node { %s ... on %s { %s } }", ID, s.call.On.Name, body)
	}
	return body
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
