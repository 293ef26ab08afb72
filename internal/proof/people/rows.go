package people

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
)

// SignUp creates the person, records every object that the payload leads to, and creates a row of each owned type that has a
// mutation or a seed for it. In a second subgraph, Issue creates the person. The error joins a findings.Unseeded for each type that
// has none.
func (p *Person) SignUp(ask Asking) error {
	if err := p.enter(ask); err != nil {
		return err
	}
	left := slices.Sorted(maps.Keys(p.Schema.Creators))
	left = append(left, slices.Sorted(maps.Keys(p.facts.Insert))...)
	return p.addRows(ask, left)
}

// enter gives the person an account, or only a token.
func (p *Person) enter(ask Asking) error {
	if p.Issue != nil {
		id := uuid.New()
		p.Objects["User"] = map[string]any{"__typename": "User", cases.ID: id.String()}
		return p.TakeToken()
	}
	f := p.Schema.Mutation.Fields.ForName("signUp")
	if f == nil {
		return errors.New("the schema has no signUp: a program has the module core")
	}
	payload, err := p.mutate(ask, "", f)
	if err != nil {
		return &findings.Unseeded{Type: "User", What: "signUp creates no one to ask about", Err: err}
	}
	p.remember(payload)
	if p.Token() == "" {
		return fmt.Errorf("a sign-up without an access token: %v", payload)
	}
	return nil
}

// TakeToken takes a token with these scopes from Issue.
func (p *Person) TakeToken(scopes ...string) error {
	token, err := p.Issue(p.RowID("User"), scopes...)
	p.Objects["Tokens"] = map[string]any{"accessToken": token}
	return err
}

// addRows creates a row of each type. A row that refers to a row of another of these types is created after that one, even if the
// sign-up already created a row of that type.
func (p *Person) addRows(ask Asking, types []string) error {
	p.pending = map[string]bool{}
	for _, typ := range types {
		p.pending[typ] = true
	}
	defer func() { p.pending = nil }()
	for len(types) > 0 {
		var later []string
		var faults []error
		for _, typ := range types {
			waits := p.pending[typ]
			delete(p.pending, typ) // a row may refer to another one of its type
			if err := p.addRow(ask, typ); err != nil {
				later, faults = append(later, typ), append(faults, err)
				if waits {
					p.pending[typ] = true
				}
			}
		}
		switch {
		case len(later) < len(types):
			types = later
		case len(p.pending) > 0:
			clear(p.pending) // types that refer to each other
		default:
			return errors.Join(faults...)
		}
	}
	return nil
}

// addRow creates a row that the person then has.
func (p *Person) addRow(ask Asking, typ string) error {
	statement, inserted := p.facts.Insert[typ]
	if !inserted {
		made, fields, err := p.AnotherRow(ask, typ)
		if err != nil {
			return err
		}
		p.Rows[typ], p.Objects[typ] = made, fields
		return nil
	}
	id, err := p.Insert(statement)
	if err != nil {
		return &findings.Unseeded{Type: typ, What: fmt.Sprintf("Seed.Insert of %s inserts no row", typ), Err: err}
	}
	p.Objects[typ] = map[string]any{cases.ID: id}
	return nil
}

// AnotherRow creates a row of a type that has a creator, and returns its input and the object in the payload.
func (p *Person) AnotherRow(ask Asking, typ string) (*Sown, map[string]any, error) {
	made, by := newSown(), p.Schema.Creators[typ]
	p.Subject = made
	defer func() { p.Subject = nil }()
	none := func(err error) error {
		return &findings.Unseeded{Type: typ, What: fmt.Sprintf("%s creates no %s to ask about", by.Name, typ), Err: err}
	}
	payload, err := p.mutate(ask, p.Token(), by)
	if err != nil {
		return nil, nil, none(err)
	}
	fields := firstOf(p.Schema, payload, typ)
	if fields == nil || fields[cases.ID] == nil {
		return nil, nil, none(fmt.Errorf("its payload has none with an id: %v", payload))
	}
	made.ID = fields[cases.ID]
	for name, canary := range made.Canaries { // a field of another name may have it
		if p.Schema.Types[typ].Fields.ForName(name) != nil {
			continue
		}
		for field, value := range fields {
			if text, ok := value.(string); ok && strings.Contains(text, canary) {
				delete(made.Canaries, name)
				made.Canaries[field] = canary
				break
			}
		}
	}
	return made, fields, nil
}

// mutate selects everything that a mutation returns, and returns the payload.
func (p *Person) mutate(ask Asking, token string, f *ast.FieldDefinition) (payload any, err error) {
	text, variables, err := p.Schema.SelectAll(f, p.ArgumentValue)
	if err != nil {
		return nil, err
	}
	r, err := ask(token, text, variables)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	if len(r.Errors) > 0 {
		return nil, p.failed(f, r.Errors)
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Body, err)
	}
	return data[f.Name], nil
}

// failed returns the error of a mutation that failed to create a row, with advice if its input was refused.
func (p *Person) failed(m *ast.FieldDefinition, list []harness.ReplyError) error {
	var all []error
	for _, e := range list {
		all = append(all, fmt.Errorf("%s at %v: %s", e.Extensions.Code, e.Path, e.Message))
		if e.Extensions.Code == string(fault.Internal) {
			all = append(all, fmt.Errorf("the log has the cause; if the database refuses a generated value, add a valid one to Seed.Values, such as %q", p.someKey(m)))
		}
		for _, f := range e.Extensions.Fields {
			all = append(all, fmt.Errorf("%s %s: %s (add a valid value: %q in Seed.Values)", f.Path, f.Code, f.Message, p.valueKey(m, f.Path)))
		}
	}
	return errors.Join(all...)
}

// someKey returns the key in Seed.Values of one field of the input of a mutation, as an example.
func (p *Person) someKey(m *ast.FieldDefinition) string {
	for _, a := range m.Arguments {
		if t := p.Schema.Types[a.Type.Name()]; t.Kind == ast.InputObject && len(t.Fields) > 0 {
			return t.Name + "." + t.Fields[len(t.Fields)-1].Name
		}
	}
	return "Mutation." + m.Name + ".…"
}

// valueKey returns the key in Seed.Values of an argument of a mutation or of a field of its input, from its path such as
// input.slug.
func (p *Person) valueKey(m *ast.FieldDefinition, path string) string {
	names := strings.Split(path, ".")
	a := m.Arguments.ForName(names[0])
	if a == nil {
		return path
	}
	key, t := "Mutation."+m.Name+"."+a.Name, p.Schema.Types[a.Type.Name()]
	for _, name := range names[1:] {
		f := t.Fields.ForName(name)
		if f == nil {
			continue // the index of an element
		}
		key, t = t.Name+"."+name, p.Schema.Types[f.Type.Name()]
	}
	return key
}

// firstOf returns the first object of a type in a payload: the payload itself, or an object below values such as an edge.
func firstOf(schema *cases.Schema, v any, typ string) map[string]any {
	object, _ := v.(map[string]any)
	if object["__typename"] == typ {
		return object
	}
	if name, _ := object["__typename"].(string); name == "" || schema.IsOwned(schema.Types[name]) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if found := firstOf(schema, object[name], typ); found != nil {
			return found
		}
	}
	return nil
}

func (p *Person) remember(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			p.remember(x)
		}
	case map[string]any:
		if typ, ok := v["__typename"].(string); ok {
			if p.Objects[typ] == nil {
				p.Objects[typ] = map[string]any{}
			}
			maps.Copy(p.Objects[typ], v)
		}
		for _, x := range v {
			p.remember(x)
		}
	}
}
