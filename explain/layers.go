package explain

import (
	"slices"
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/owned"
)

// Layers are the layers in the database behind each field of a schema: row policies, or a definer function instead of them.
type Layers struct {
	registry  *owned.Registry
	functions map[string]access.Layer   // by Type.field
	behind    map[string]behind         // by Type.field
	when      map[string][]access.Layer // by access.Field.String: what refuses an argument of a mutation
}

// behind are the layers behind a field.
type behind struct {
	guards   []owned.Guard
	creates  *owned.Guard // of a mutation that creates a row, which any member may
	function *access.Layer
}

// NewLayers returns the layers behind the fields of a schema. functions are the definer functions, by Type.field.
func NewLayers(schema *ast.Schema, registry *owned.Registry, functions map[string]access.Layer) *Layers {
	l := &Layers{registry: registry, functions: functions, behind: map[string]behind{}, when: map[string][]access.Layer{}}
	for _, typ := range schema.Types {
		for _, f := range typ.Fields {
			rule, _ := directives.RuleOf(f)
			l.behind[typ.Name+"."+f.Name] = l.find(schema, typ.Name, f, rule)
			for _, r := range directives.RulesOf(f) {
				if layer, ok := l.ownersColumn(typ.Name+"."+f.Name, r.When); ok {
					l.when[access.Field{Type: typ.Name, Name: f.Name, When: r.When}.String()] = []access.Layer{layer}
				}
			}
		}
	}
	return l
}

// ownersColumn returns what refuses everyone but the owner to change a column, if an argument of a mutation has the name of such a
// column.
func (l *Layers) ownersColumn(field, argument string) (access.Layer, bool) {
	path := strings.Split(argument, ".")
	for _, g := range l.behind[field].guards {
		if g.Command == "UPDATE" && slices.Contains(g.Table.OwnerUpdate, snake(path[len(path)-1])) {
			return access.Layer{Name: g.Table.Name + "_owner_updates", Admits: access.AdmitsOwner}, true
		}
	}
	return access.Layer{}, false
}

// snake returns display_name for displayName.
func snake(name string) string {
	var text strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToLower(r))
	}
	return text.String()
}

// find returns the layers behind a field with this rule.
func (l *Layers) find(schema *ast.Schema, typ string, def *ast.FieldDefinition, rule directives.Rule) behind {
	field := def.Name
	if f, ok := l.functions[typ+"."+field]; ok {
		return behind{function: &f}
	}
	creates, creation := l.creation(typ, field)
	switch t := l.registry.Lookup(rule.Of); {
	case t != nil && t.Remote:
		return behind{}
	case t != nil && creates != nil && creates != t:
		return behind{guards: []owned.Guard{creation}} // of a row that belongs to one of the type
	case t != nil && typ == "Mutation":
		return behind{guards: t.MutationGuards(field)}
	case t != nil:
		return behind{guards: []owned.Guard{t.Guard()}}
	}
	if t := l.registry.Lookup(typ); t != nil {
		if _, local := t.Fields[field]; t.Remote && !local {
			return behind{}
		}
		guard := t.FieldGuard(field)
		if listed := l.listed(schema, def); rule.Name == "owner" && listed != nil && guard.Name() == t.Guard().Name() {
			guard = listed.ListGuard(t)
		}
		return behind{guards: []owned.Guard{guard}}
	}
	if creates != nil {
		return behind{creates: &creation}
	}
	return behind{}
}

// creation returns the type of which a mutation creates rows, and the policy for that; nil if the field creates none.
func (l *Layers) creation(typ, field string) (*owned.Type, owned.Guard) {
	for _, t := range l.registry.Types() {
		if guard, ok := t.CreationGuard(field); ok && typ == "Mutation" {
			return t, guard
		}
	}
	return nil, owned.Guard{}
}

// listed returns the owned type of which a field returns rows, directly or in a connection, if only viewers with a relation see them.
// Otherwise it returns nil.
func (l *Layers) listed(schema *ast.Schema, f *ast.FieldDefinition) *owned.Type {
	name := f.Type.Name()
	if nodes := schema.Types[name].Fields.ForName("nodes"); nodes != nil {
		name = nodes.Type.Name()
	}
	if t := l.registry.Lookup(name); t != nil && !t.Remote && !t.Table.OfParent && t.Guard().Admits() != db.AdmitsVisible {
		return t
	}
	return nil
}

// Access returns the layers in the form of the access matrix.
func (l *Layers) Access() access.Layers {
	a := access.Layers{Types: map[string]access.Layer{}, Fields: map[string][]access.Layer{}, When: l.when}
	for _, t := range l.registry.Types() {
		if t.Remote {
			a.Types[t.Name] = access.Layer{Admits: access.AdmitsEveryone}
			continue
		}
		a.Types[t.Name] = layer(t.Guard().Policy)
	}
	for field, b := range l.behind {
		switch {
		case b.function != nil:
			a.Fields[field] = []access.Layer{*b.function}
		case b.creates != nil:
			a.Fields[field] = []access.Layer{{Name: b.creates.Name(), Admits: access.AdmitsMembers}}
		case len(b.guards) > 0:
			a.Fields[field] = layersOf(b.guards)
		}
	}
	return a
}

func layersOf(guards []owned.Guard) (list []access.Layer) {
	for _, g := range guards {
		list = append(list, layer(g.Policy))
	}
	return list
}

func layer(p db.Policy) access.Layer {
	return access.Layer{Name: p.Name(), Admits: access.Admits(p.Admits()), Relations: p.Table.Relations, Scopes: p.Table.Scopes[p.Command]}
}
