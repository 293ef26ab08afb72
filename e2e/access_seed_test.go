package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// person is an account that was made from the schema alone: each field of signUp's input has a value of its own, so that
// a new field of the schema is seeded by itself.
type person struct {
	schema     *ast.Schema
	visibility string
	seed       map[string]any            // what was put in, by the name of the input's field
	canaries   map[string]string         // those of the seeds that nobody else has, as they are written
	objects    map[string]map[string]any // what the sign-up returned: the fields of each object by its type

	// newCode makes the one-time code that a mutation asks for. Nil where nothing is to be asked.
	newCode func(p *person, mutation string) (string, error)
}

// canarySerial tells persons and canaries apart. With a fixed number of digits none is the beginning of another.
var canarySerial atomic.Int64

func newPerson(schema *ast.Schema, visibility string) *person {
	name := fmt.Sprintf("canary-%06d", canarySerial.Add(1))
	p := &person{schema: schema, visibility: visibility, seed: map[string]any{}, canaries: map[string]string{}, objects: map[string]map[string]any{}}
	p.plant("username", name)
	p.plant("email", name+"@example.org")
	return p
}

func (p *person) plant(field, value string) any {
	p.seed[field], p.canaries[field] = value, value
	return value
}

func (p *person) token() string {
	token, _ := p.objects["Tokens"]["accessToken"].(string)
	return token
}

// is reports whether any field of an object, or below it, shows whose it is.
func (p *person) is(object any) bool {
	text, err := json.Marshal(object)
	if err != nil {
		return false
	}
	for _, fields := range p.objects {
		if id, ok := fields[listedID].(string); ok && strings.Contains(string(text), `"`+id+`"`) {
			return true
		}
	}
	return strings.Contains(string(text), p.canaries["username"])
}

// signUp makes the person, and remembers every object that the payload leads to.
func (p *person) signUp(s *service) error {
	c := call{parent: p.schema.Mutation, def: p.schema.Mutation.Fields.ForName("signUp")}
	if c.def == nil {
		return errors.New("the schema has no signUp to make persons with")
	}
	d := &document{arguments: p.argumentValue, variables: vars{}}
	field, err := d.call(c)
	if err != nil {
		return err
	}
	query := "mutation(" + strings.Join(d.parameters, ", ") + ") { " + field + everything(p.schema, c.def, nil) + " }"
	r, err := s.tryDo("", query, d.variables)
	if err != nil {
		return err
	}
	var data any
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 {
		return fmt.Errorf("sign up: %s", r.Body)
	}
	p.remember(data)
	if p.token() == "" {
		return fmt.Errorf("a sign-up without an access token: %s", r.Body)
	}
	return nil
}

// everything selects all fields of a type that need no argument, and of the types behind it, each once on a way down.
func everything(schema *ast.Schema, f *ast.FieldDefinition, above []string) string {
	t := schema.Types[f.Type.Name()]
	if t.Kind != ast.Object {
		return ""
	}
	above = append(slices.Clone(above), t.Name)
	selection := []string{"__typename"}
	for _, g := range t.Fields {
		if below := schema.Types[g.Type.Name()]; needsArgument(g) || below.IsAbstractType() || slices.Contains(above, below.Name) {
			continue
		}
		selection = append(selection, g.Name+everything(schema, g, above))
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

func (p *person) remember(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			p.remember(x)
		}
	case map[string]any:
		if typ, ok := v["__typename"].(string); ok {
			if p.objects[typ] == nil {
				p.objects[typ] = map[string]any{}
			}
			maps.Copy(p.objects[typ], v)
		}
		for _, x := range v {
			p.remember(x)
		}
	}
}

// argumentValue is the value of an argument by its name, for a call that is about this person. An argument that is not
// here is left out, or where it is required, the tests fail and say so.
func (p *person) argumentValue(c call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
	switch a.Name {
	case "id":
		value, err = p.idFor(c)
		return value, true, err
	case "ids":
		value, err = p.idFor(c)
		return []any{value}, true, err
	case "representations":
		value, err = p.representation(c)
		return []any{value}, true, err
	case "username":
		return p.seed["username"], true, nil
	case "first":
		if c.parent != p.schema.Query {
			return 5, true, nil // of the target's own; lists within lists would cost too much
		}
		return 100, true, nil
	case "name":
		return "Query", true, nil // a type to introspect
	case "purpose":
		return "CHANGE_EMAIL", true, nil // the one whose limit no mutation of these tests meets
	}
	if t := p.schema.Types[a.Type.Name()]; t.Kind == ast.InputObject {
		value, err = p.input(c, t)
		return value, true, err
	}
	return nil, false, nil
}

// idFor is the id of the person's object that a call is about: of the type that its rule names, or that it returns.
func (p *person) idFor(c call) (any, error) {
	typ := ""
	if c.on != nil {
		typ = c.on.Name
	}
	if owner := c.def.Directives.ForName("owner"); owner != nil && owner.Arguments.ForName("of") != nil {
		typ = owner.Arguments.ForName("of").Value.Raw
	}
	return p.known(typ, listedID, c)
}

func (p *person) known(typ, field string, c call) (any, error) {
	value, ok := p.objects[typ][field]
	if !ok {
		return nil, fmt.Errorf("no %s.%s is known to ask %s with: signUp's payload does not lead to one, so make one in signUp of access_seed_test.go", typ, field, c.name())
	}
	return value, nil
}

func (p *person) representation(c call) (any, error) {
	fields := vars{"__typename": c.on.Name}
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
func (p *person) input(c call, t *ast.Definition) (vars, error) {
	filled := vars{}
	for _, f := range t.Fields {
		value, known, err := p.inputValue(c, f)
		if err != nil {
			return nil, err
		}
		if known {
			filled[f.Name] = value
		} else if f.Type.NonNull && f.DefaultValue == nil {
			return nil, fmt.Errorf("no value is known for %s.%s of %s: add it to inputValue in access_seed_test.go", t.Name, f.Name, c.name())
		}
	}
	return filled, nil
}

// inputValue is the value of an input's field: by its name where only some values make sense, else a new canary of its
// type, which the person has from then on.
func (p *person) inputValue(c call, f *ast.FieldDefinition) (value any, known bool, err error) {
	switch f.Name {
	case "id":
		value, err = p.idFor(c)
		return value, true, err
	case "email", "username":
		if c.def.Name == "changeUsername" {
			return p.plant(f.Name, fmt.Sprintf("canary-%06d", canarySerial.Add(1))), true, nil
		}
		return p.seed[f.Name], true, nil
	case "password", "currentPassword":
		return password, true, nil
	case "newPassword":
		return newPassword, true, nil
	case "newEmail":
		return p.plant("pendingEmail", fmt.Sprintf("canary-%06d@example.org", canarySerial.Add(1))), true, nil
	case "code":
		if p.newCode == nil {
			return "0000-0000", true, nil
		}
		value, err = p.newCode(p, c.def.Name)
		return value, true, err
	case "idempotencyKey":
		return nil, false, nil // a key of the client's, and no field of the person
	case "refreshToken":
		value, err = p.known("Tokens", f.Name, c)
		return value, true, err
	case "visibility":
		p.seed[f.Name] = p.visibility
		return p.visibility, true, nil
	case "phoneNumber":
		return p.plant(f.Name, fmt.Sprintf("+4930%06d", canarySerial.Add(1))), true, nil
	}
	if f.Type.Elem != nil {
		return nil, false, nil
	}
	return p.canary(c, f)
}

func (p *person) canary(c call, f *ast.FieldDefinition) (value any, known bool, err error) {
	n := canarySerial.Add(1)
	switch t := p.schema.Types[f.Type.Name()]; t.Name {
	case "String":
		return p.plant(f.Name, fmt.Sprintf("Canary %s %06d", f.Name, n)), true, nil
	case "URL":
		return p.plant(f.Name, fmt.Sprintf("https://canary.example/%s/%06d", f.Name, n)), true, nil
	case "Date":
		return p.plant(f.Name, time.Date(1900, 1, 1+int(n%40_000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)), true, nil
	case "DateTime":
		return p.plant(f.Name, time.Date(1900, 1, 1, 0, 0, int(n), 0, time.UTC).Format(time.RFC3339)), true, nil
	case "Int":
		value = 1_000_000 + n
	case "Float":
		value = 1_000_000.5 + float64(n)
	case "Boolean":
		value = true
	default:
		return p.composed(c, t)
	}
	p.seed[f.Name] = value
	return value, true, nil
}

// composed is a value of an enum, or of an input object within another.
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
