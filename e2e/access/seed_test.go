package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"freehold.dev/freehold/e2e/harness"
	"github.com/vektah/gqlparser/v2/ast"
)

// asking sends an operation to a service, or to a fake.
type asking func(token, query string, v harness.Vars) (harness.Reply, error)

// sown is what one mutation got as input to create or change a row.
type sown struct {
	id       any               // of the row; nil until it is known
	seed     map[string]any    // by the name of the input's field
	canaries map[string]string // the unique values of the seed, as a reply writes them
}

func newSown() *sown { return &sown{seed: map[string]any{}, canaries: map[string]string{}} }

func (s *sown) plant(field, value string) any {
	s.seed[field], s.canaries[field] = value, value
	return value
}

// person is an account that is created from the schema alone. Each field of the input of signUp has a value of its own, and
// so has each field of the inputs of mutations that create rows of other owned types. So new fields and types get seeds
// without test code.
type person struct {
	*sown // of the sign-up

	schema     *ast.Schema
	visibility string
	objects    map[string]map[string]any // what replies contained about the created rows: the fields of each object, by type
	rows       map[string]*sown          // the rows that a mutation of their own created, by type
	subject    *sown                     // another row, which a request's mutation creates or deletes; nil if there is none

	// newCode creates the one-time code that a mutation needs. It is nil if nothing may be sent.
	newCode func(p *person, mutation string) (string, error)
}

// canarySerial distinguishes people and canaries. With a fixed number of digits, none is the beginning of another.
var canarySerial atomic.Int64

func newPerson(schema *ast.Schema, visibility string) *person {
	name := fmt.Sprintf("canary-%06d", canarySerial.Add(1))
	p := &person{sown: newSown(), schema: schema, visibility: visibility, objects: map[string]map[string]any{}, rows: map[string]*sown{}}
	p.plant("username", name)
	p.plant("email", name+"@example.org")
	return p
}

func (p *person) token() string {
	token, _ := p.objects["Tokens"]["accessToken"].(string)
	return token
}

// is reports whether any field of an object, or below it, identifies this person.
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

// finds returns the texts that identify a person's object of a type: its id, in it or below it. If no id of the type is
// known, any value of the person does.
func (p *person) finds(typ string) func(object any) bool {
	id, known := p.objects[typ][listedID].(string)
	if !known {
		return p.is
	}
	return func(object any) bool {
		text, err := json.Marshal(object)
		return err == nil && strings.Contains(string(text), `"`+id+`"`)
	}
}

// signUp creates the person, records every object that the payload leads to, and creates a row of each owned type that has a
// mutation for it.
func (p *person) signUp(ask asking) error {
	f := p.schema.Mutation.Fields.ForName("signUp")
	if f == nil {
		return errors.New("the schema has no signUp to create people with")
	}
	payload, err := p.mutate(ask, "", f)
	if err != nil {
		return &unseeded{"signUp creates no one to ask about", err}
	}
	p.remember(payload)
	if p.token() == "" {
		return fmt.Errorf("a sign-up without an access token: %v", payload)
	}
	creators := factsOf(p.schema).creators
	left := slices.Sorted(maps.Keys(creators))
	for len(left) > 0 { // a row may need the id of a row of another type
		var later []string
		var faults []error
		for _, typ := range left {
			if err := p.makeRow(ask, typ, creators[typ]); err != nil {
				later, faults = append(later, typ), append(faults, err)
			}
		}
		if len(later) == len(left) {
			return errors.Join(faults...)
		}
		left = later
	}
	return nil
}

// makeRow creates a row that the person then has.
func (p *person) makeRow(ask asking, typ string, by *ast.FieldDefinition) error {
	made, fields, err := p.anotherRow(ask, typ, by)
	if err != nil {
		return err
	}
	p.rows[typ], p.objects[typ] = made, fields
	return nil
}

// anotherRow creates a row, and returns its input and the object in the payload.
func (p *person) anotherRow(ask asking, typ string, by *ast.FieldDefinition) (*sown, map[string]any, error) {
	made := newSown()
	p.subject = made
	defer func() { p.subject = nil }()
	payload, err := p.mutate(ask, p.token(), by)
	if err != nil {
		return nil, nil, &unseeded{fmt.Sprintf("%s creates no %s to ask about", by.Name, typ), err}
	}
	fields := firstOf(p.schema, payload, typ)
	if fields == nil || fields[listedID] == nil {
		return nil, nil, &unseeded{fmt.Sprintf("%s creates no %s to ask about", by.Name, typ), fmt.Errorf("its payload has none with an id: %v", payload)}
	}
	made.id = fields[listedID]
	for name, canary := range made.canaries { // a field of another name may have it
		if p.schema.Types[typ].Fields.ForName(name) != nil {
			continue
		}
		for field, value := range fields {
			if text, ok := value.(string); ok && strings.Contains(text, canary) {
				delete(made.canaries, name)
				made.canaries[field] = canary
				break
			}
		}
	}
	return made, fields, nil
}

// mutate selects everything that a mutation returns, and returns the payload.
func (p *person) mutate(ask asking, token string, f *ast.FieldDefinition) (payload any, err error) {
	d := &document{arguments: p.argumentValue, variables: harness.Vars{}}
	field, err := d.call(call{parent: p.schema.Mutation, def: f})
	if err != nil {
		return nil, err
	}
	parameters := ""
	if len(d.parameters) > 0 {
		parameters = "(" + strings.Join(d.parameters, ", ") + ")"
	}
	r, err := ask(token, "mutation"+parameters+" { "+field+everything(p.schema, f, nil)+" }", d.variables)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	if len(r.Errors) > 0 {
		return nil, failed(r.Errors)
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Body, err)
	}
	return data[f.Name], nil
}

// failed returns the error of a mutation that failed to create a row, with advice if its input was refused.
func failed(list []harness.ReplyError) error {
	var all []error
	for _, e := range list {
		all = append(all, fmt.Errorf("%s at %v: %s", e.Extensions.Code, e.Path, e.Message))
		for _, f := range e.Extensions.Fields {
			all = append(all, fmt.Errorf("%s %s: %s (the value is from inputValue in arguments_test.go)", f.Path, f.Code, f.Message))
		}
	}
	return errors.Join(all...)
}

// firstOf returns the first object of a type in a payload: the payload itself, or an object below values such as an edge.
func firstOf(schema *ast.Schema, v any, typ string) map[string]any {
	object, _ := v.(map[string]any)
	if object["__typename"] == typ {
		return object
	}
	if name, _ := object["__typename"].(string); name == "" || isOwned(schema, schema.Types[name]) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if found := firstOf(schema, object[name], typ); found != nil {
			return found
		}
	}
	return nil
}

// everything selects all fields of a type that need no argument, and those of the types behind it, each type once on a path.
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
