package people

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
)

// ArgumentValue returns the value of an argument, by its name, for a call about this person. The call omits an argument without a
// value here, unless it is required.
func (p *Person) ArgumentValue(c cases.Call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
	if p.Schema.Omits(c, "", a.Name) {
		return nil, false, nil
	}
	if value, listed := p.facts.Values[c.Field()+"."+a.Name]; listed {
		return value(p, c, newSown())
	}
	switch {
	case a.Name == "ids":
		value, err = p.idFor(c, cases.ID)
		return []any{value}, true, err
	case a.Name == "representations":
		value, err = p.representation(c)
		return []any{value}, true, err
	case a.Name == "first" && c.Parent != p.Schema.Query:
		return 5, true, nil // the target's own
	case a.Name == "first":
		return 10, true, nil // more than a stage has people; lists within lists would cost too much
	case c.Def.Name == "__type":
		return "Query", true, nil // a type to introspect
	case a.Name != cases.ID && c.On != nil:
		if value, known = p.Objects[c.On.Name][a.Name]; known {
			return value, true, nil // a further key of the object
		}
	}
	required := a.Type.NonNull && a.DefaultValue == nil
	switch t := p.Schema.Types[a.Type.Name()]; {
	case p.isID(c, a.Name, a.Type):
		value, err = p.idFor(c, a.Name)
		return value, true, err
	case t.Kind == ast.InputObject && (required || c.Parent == p.Schema.Mutation):
		value, err = p.Input(c, t)
		return value, true, err
	case t.Kind == ast.Enum && required:
		return t.EnumValues[0].Name, true, nil
	}
	return nil, false, nil
}

// isID reports whether an argument or a field of an input is the id of a row: its name is id, a rule of the mutation names
// it, or it is named after an owned type, such as bookmarkId.
func (p *Person) isID(c cases.Call, name string, t *ast.Type) bool {
	if name == cases.ID || ruleAbout(c, name).Of != "" {
		return true
	}
	typ := typeOfID(name)
	return t.Name() == "ID" && p.Schema.Types[typ] != nil && p.Schema.IsOwned(p.Schema.Types[typ])
}

// ruleAbout returns the rule of a call that names an argument or a field of its input, by its name; the zero rule if there is none.
func ruleAbout(c cases.Call, name string) directives.Rule {
	for _, r := range directives.RulesOf(c.Def) {
		if r.Of != "" && strings.HasSuffix("."+r.ID, "."+name) {
			return r
		}
	}
	return directives.Rule{}
}

// typeOfID returns Bookmark for bookmarkId.
func typeOfID(name string) string {
	typ, isID := strings.CutSuffix(name, "Id")
	if !isID || typ == "" {
		return ""
	}
	return strings.ToUpper(typ[:1]) + typ[1:]
}

// idFor returns the id of the person's object that a call is about. Its type is the one that the argument's name says, that
// the rule names, or that the call returns. A mutation that deletes gets a row that was created for this.
func (p *Person) idFor(c cases.Call, name string) (any, error) {
	rule, typ := ruleAbout(c, name), typeOfID(name)
	if main, _ := directives.RuleOf(c.Def); rule.Of == "" && name == cases.ID {
		rule = main
	}
	switch {
	case rule.Of != "":
		typ = rule.Of
		if _, command := p.Schema.SubjectOf(c.Def); command == "DELETE" && p.hasSpare() {
			return p.Subject.ID, nil
		}
	case p.Schema.Types[typ] != nil:
	case c.On != nil:
		typ = c.On.Name
	}
	return p.Known(typ, cases.ID, c)
}

// Known returns the value of a field of the person's object of a type, with which a call asks for it.
func (p *Person) Known(typ, field string, c cases.Call) (any, error) {
	value, ok := p.Objects[typ][field]
	if !ok || p.pending[typ] {
		return nil, &findings.Unseeded{Type: typ, What: NoRow(typ).Error(), Err: fmt.Errorf("no %s.%s is known for %s", typ, field, c.Name())}
	}
	return value, nil
}

// NoRow returns the error about a type of which a person has no row.
func NoRow(typ string) error {
	return findings.Missing(typ, "no person has a %s to ask about: neither the payload of signUp nor a mutation create%[1]s returns one. "+
		"Add such a mutation, or a Seed of type %[1]s with Insert", typ)
}

func (p *Person) representation(c cases.Call) (any, error) {
	fields := map[string]any{"__typename": c.On.Name}
	for _, name := range strings.Fields(c.Key) {
		value, err := p.Known(c.On.Name, name, c)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

// Input fills an input object with a value for each of its fields.
func (p *Person) Input(c cases.Call, t *ast.Definition) (map[string]any, error) {
	filled := map[string]any{}
	for _, f := range t.Fields {
		value, known, err := p.inputValue(c, t, f)
		if err != nil {
			return nil, err
		}
		if known {
			filled[f.Name] = value
		} else if f.Type.NonNull && f.DefaultValue == nil {
			typ, _ := p.Schema.SubjectOf(c.Def)
			return nil, findings.Missing(typ, "no value is known for %s.%s of %s: add %q to Seed.Values", t.Name, f.Name, c.Name(), t.Name+"."+f.Name)
		}
	}
	return filled, nil
}

// hasSpare reports whether a row was created to be deleted.
func (p *Person) hasSpare() bool { return p.Subject != nil && p.Subject.ID != nil }

// into returns where to record the values that a mutation gets: in the row that it creates, changes or deletes, or else in
// the person. The values of a query belong to no row.
func (p *Person) into(c cases.Call) *Sown {
	typ, command := p.Schema.SubjectOf(c.Def)
	switch {
	case c.Parent != p.Schema.Mutation:
		return newSown()
	case command == "INSERT" && (p.Subject == nil || p.hasSpare()):
		p.Subject = newSown()
		return p.Subject
	case command == "INSERT", command == "DELETE" && p.hasSpare():
		return p.Subject
	case p.Rows[typ] != nil:
		return p.Rows[typ]
	default:
		return p.Sown
	}
}

// inputValue returns a value for a field of an input: the one of the facts or, if they have none, a new canary of its type. The
// person or the row then has this value.
func (p *Person) inputValue(c cases.Call, t *ast.Definition, f *ast.FieldDefinition) (value any, known bool, err error) {
	if p.Schema.Omits(c, t.Name, f.Name) {
		return nil, false, nil
	}
	s := p.into(c)
	if value, listed := p.facts.Values[t.Name+"."+f.Name]; listed {
		return value(p, c, s)
	}
	if isVisibility(p.Schema.Types[f.Type.Name()]) {
		s.Seed[f.Name] = p.Visibility
		return p.Visibility, true, nil
	}
	if p.isID(c, f.Name, f.Type) {
		value, err = p.idFor(c, f.Name)
		return value, true, err
	}
	value, known, err = p.canary(c, s, f)
	for t := f.Type; known && t.Elem != nil; t = t.Elem {
		value = []any{value}
		s.Seed[f.Name] = value
	}
	return value, known, err
}

// isVisibility reports whether an enum says who sees a row.
func isVisibility(t *ast.Definition) bool {
	return t.Kind == ast.Enum && !slices.ContainsFunc(cases.Visibilities, func(v string) bool { return t.EnumValues.ForName(v) == nil })
}

// canary returns a new value of the type of an input's field, or of its elements.
func (p *Person) canary(c cases.Call, s *Sown, f *ast.FieldDefinition) (value any, known bool, err error) {
	n := Serial()
	switch t := p.Schema.Types[f.Type.Name()]; t.Name {
	case "String":
		return s.Plant(f.Name, fmt.Sprintf("Canary %s %06d", f.Name, n)), true, nil
	case "URL":
		return s.Plant(f.Name, fmt.Sprintf("https://canary.example/%s/%06d", f.Name, n)), true, nil
	case "Date":
		return s.Plant(f.Name, time.Date(1900, 1, 1+int(n%40_000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)), true, nil
	case "DateTime":
		return s.Plant(f.Name, time.Date(1900, 1, 1, 0, 0, int(n), 0, time.UTC).Format(time.RFC3339)), true, nil
	case "Int":
		value = 1_000_000 + n
	case "Float":
		value = 1_000_000.5 + float64(n)
	case "Boolean":
		value = true
	default:
		return p.composed(c, t)
	}
	s.Seed[f.Name] = value
	return value, true, nil
}

// composed returns a value of an enum, or of an input object within another.
func (p *Person) composed(c cases.Call, t *ast.Definition) (value any, known bool, err error) {
	switch t.Kind {
	case ast.Enum:
		return t.EnumValues[0].Name, true, nil
	case ast.InputObject:
		value, err = p.Input(c, t)
		return value, true, err
	default:
		return nil, false, nil
	}
}
