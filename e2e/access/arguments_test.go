package access

import (
	"fmt"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
)

// argumentValue returns the value of an argument, by its name, for a call about this person. The call omits an argument
// without a value here. If the argument is required, the test fails and says so.
func (p *person) argumentValue(c call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
	switch a.Name {
	case "id":
		value, err = p.idFor(c, a.Name)
		return value, true, err
	case "ids":
		value, err = p.idFor(c, listedID)
		return []any{value}, true, err
	case "representations":
		value, err = p.representation(c)
		return []any{value}, true, err
	case "username":
		return p.seed["username"], true, nil
	case "first":
		if c.parent != p.schema.Query {
			return 5, true, nil // the target's own
		}
		return 10, true, nil // more than a stage has people; lists within lists would cost too much
	case "name":
		return "Query", true, nil // a type to introspect
	case "purpose":
		return "CHANGE_EMAIL", true, nil // no mutation of these tests reaches its limit
	}
	if c.on != nil {
		if value, known = p.objects[c.on.Name][a.Name]; known {
			return value, true, nil // a further key of the object
		}
	}
	required := a.Type.NonNull && a.DefaultValue == nil
	switch t := p.schema.Types[a.Type.Name()]; {
	case p.isID(c, a.Name, a.Type):
		value, err = p.idFor(c, a.Name)
		return value, true, err
	case t.Kind == ast.InputObject && (required || c.parent == p.schema.Mutation):
		value, err = p.input(c, t)
		return value, true, err
	case t.Kind == ast.Enum && required:
		return t.EnumValues[0].Name, true, nil
	}
	return nil, false, nil
}

// isID reports whether an argument or a field of an input is the id of a row: its name is id, the rule of the mutation names
// it, or it is named after an owned type, such as bookmarkId.
func (p *person) isID(c call, name string, t *ast.Type) bool {
	if rule, _ := directives.RuleOf(c.def); name == listedID || rule.ID == name || strings.HasSuffix(rule.ID, "."+name) {
		return true
	}
	typ := typeOfID(name)
	return t.Name() == "ID" && p.schema.Types[typ] != nil && isOwned(p.schema, p.schema.Types[typ])
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
func (p *person) idFor(c call, name string) (any, error) {
	rule, _ := directives.RuleOf(c.def)
	typ := typeOfID(name)
	switch {
	case rule.Of != "" && (name == listedID || strings.HasSuffix("."+rule.ID, "."+name)):
		typ = rule.Of
		if _, command := subjectOf(p.schema, c.def); command == "DELETE" && p.hasSpare() {
			return p.subject.id, nil
		}
	case p.schema.Types[typ] != nil:
	case c.on != nil:
		typ = c.on.Name
	}
	return p.known(typ, listedID, c)
}

func (p *person) known(typ, field string, c call) (any, error) {
	value, ok := p.objects[typ][field]
	if !ok {
		return nil, fmt.Errorf("no %s.%s is known for %s: neither the payload of signUp nor a mutation with @signedIn returns a %[1]s, so create one in signUp of seed_test.go", typ, field, c.name())
	}
	return value, nil
}

func (p *person) representation(c call) (any, error) {
	fields := harness.Vars{"__typename": c.on.Name}
	for _, name := range strings.Fields(c.key) {
		value, err := p.known(c.on.Name, name, c)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

// input fills an input object with a value for each of its fields.
func (p *person) input(c call, t *ast.Definition) (harness.Vars, error) {
	filled := harness.Vars{}
	for _, f := range t.Fields {
		value, known, err := p.inputValue(c, f)
		if err != nil {
			return nil, err
		}
		if known {
			filled[f.Name] = value
		} else if f.Type.NonNull && f.DefaultValue == nil {
			return nil, fmt.Errorf("no value is known for %s.%s of %s: add it to inputValue in arguments_test.go", t.Name, f.Name, c.name())
		}
	}
	return filled, nil
}

// hasSpare reports whether a row was created to be deleted.
func (p *person) hasSpare() bool { return p.subject != nil && p.subject.id != nil }

// into returns where to record the values that a mutation gets: in the row that it creates, changes or deletes, or else in
// the person. The values of a query belong to no row.
func (p *person) into(c call) *sown {
	typ, command := subjectOf(p.schema, c.def)
	switch {
	case c.parent != p.schema.Mutation:
		return newSown()
	case command == "INSERT" && (p.subject == nil || p.hasSpare()):
		p.subject = newSown()
		return p.subject
	case command == "INSERT", command == "DELETE" && p.hasSpare():
		return p.subject
	case p.rows[typ] != nil:
		return p.rows[typ]
	default:
		return p.sown
	}
}

// inputValue returns a value for a field of an input: by its name if only some values make sense, else a new canary of its
// type. The person or the row then has this value.
func (p *person) inputValue(c call, f *ast.FieldDefinition) (value any, known bool, err error) {
	s := p.into(c)
	switch f.Name {
	case "email", "username":
		if c.def.Name == "changeUsername" {
			return s.plant(f.Name, fmt.Sprintf("canary-%06d", canarySerial.Add(1))), true, nil
		}
		return p.seed[f.Name], true, nil
	case "password", "currentPassword":
		return harness.Password, true, nil
	case "newPassword":
		return harness.NewPassword, true, nil
	case "newEmail":
		return s.plant("pendingEmail", fmt.Sprintf("canary-%06d@example.org", canarySerial.Add(1))), true, nil
	case "code":
		if p.newCode == nil {
			return "0000-0000", true, nil
		}
		value, err = p.newCode(p, c.def.Name)
		return value, true, err
	case "idempotencyKey":
		return nil, false, nil // a key that the client chooses, not a field of the person
	case "refreshToken":
		value, err = p.known("Tokens", f.Name, c)
		return value, true, err
	case "visibility":
		s.seed[f.Name] = p.visibility
		return p.visibility, true, nil
	case "phoneNumber":
		return s.plant(f.Name, fmt.Sprintf("+4930%06d", canarySerial.Add(1))), true, nil
	}
	if p.isID(c, f.Name, f.Type) {
		value, err = p.idFor(c, f.Name)
		return value, true, err
	}
	value, known, err = p.canary(c, s, f)
	for t := f.Type; known && t.Elem != nil; t = t.Elem {
		value = []any{value}
		s.seed[f.Name] = value
	}
	return value, known, err
}

// canary returns a new value of the type of an input's field, or of its elements.
func (p *person) canary(c call, s *sown, f *ast.FieldDefinition) (value any, known bool, err error) {
	n := canarySerial.Add(1)
	switch t := p.schema.Types[f.Type.Name()]; t.Name {
	case "String":
		return s.plant(f.Name, fmt.Sprintf("Canary %s %06d", f.Name, n)), true, nil
	case "URL":
		return s.plant(f.Name, fmt.Sprintf("https://canary.example/%s/%06d", f.Name, n)), true, nil
	case "Date":
		return s.plant(f.Name, time.Date(1900, 1, 1+int(n%40_000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)), true, nil
	case "DateTime":
		return s.plant(f.Name, time.Date(1900, 1, 1, 0, 0, int(n), 0, time.UTC).Format(time.RFC3339)), true, nil
	case "Int":
		value = 1_000_000 + n
	case "Float":
		value = 1_000_000.5 + float64(n)
	case "Boolean":
		value = true
	default:
		return p.composed(c, t)
	}
	s.seed[f.Name] = value
	return value, true, nil
}

// composed returns a value of an enum, or of an input object within another.
func (p *person) composed(c call, t *ast.Definition) (value any, known bool, err error) {
	switch t.Kind {
	case ast.Enum:
		return t.EnumValues[0].Name, true, nil
	case ast.InputObject:
		value, err = p.input(c, t)
		return value, true, err
	default:
		return nil, false, nil
	}
}
