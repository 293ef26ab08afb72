package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/owned"
)

// behind is what stands in the database behind a field: row policies, or a definer function instead of them.
type behind struct {
	guards   []owned.Guard
	creates  *owned.Guard // of a mutation that makes a row, which any member may
	function *access.Wall
}

// behind returns what stands behind a field. The rule is the field's.
func (p *Program) behind(typ, field string, rule directives.Rule) behind {
	name := typ + "." + field
	for _, m := range p.modules {
		if f, ok := m.Functions[name]; ok {
			return behind{function: &f}
		}
	}
	switch t := p.registry.Lookup(rule.Of); {
	case t != nil && typ == "Mutation":
		return behind{guards: t.MutationGuards(field)}
	case t != nil:
		return behind{guards: []owned.Guard{t.Guard()}}
	}
	if t := p.registry.Lookup(typ); t != nil {
		return behind{guards: []owned.Guard{t.FieldGuard(field)}}
	}
	for _, t := range p.registry.Types() {
		if guard, ok := t.CreationGuard(field); ok && typ == "Mutation" {
			return behind{creates: &guard}
		}
	}
	return behind{}
}

// behindEach returns what stands behind each field of a schema, by Type.field.
func (p *Program) behindEach(schema *ast.Schema) map[string]behind {
	all := map[string]behind{}
	for _, typ := range schema.Types {
		for _, f := range typ.Fields {
			rule, _ := directives.RuleOf(f)
			all[typ.Name+"."+f.Name] = p.behind(typ.Name, f.Name, rule)
		}
	}
	return all
}

// walls tells the matrix what stands in the database behind each field.
func (p *Program) walls() access.Walls {
	w := access.Walls{Types: map[string]access.Wall{}, Fields: map[string][]access.Wall{}}
	for _, t := range p.registry.Types() {
		w.Types[t.Name] = wall(t.Guard().Policy)
	}
	for field, b := range p.behinds {
		switch {
		case b.function != nil:
			w.Fields[field] = []access.Wall{*b.function}
		case b.creates != nil:
			w.Fields[field] = []access.Wall{{Name: b.creates.Name(), Admits: access.AdmitsMembers}}
		case len(b.guards) > 0:
			w.Fields[field] = wallsOf(b.guards)
		}
	}
	return w
}

func wallsOf(guards []owned.Guard) (list []access.Wall) {
	for _, g := range guards {
		list = append(list, wall(g.Policy))
	}
	return list
}

func wall(p db.Policy) access.Wall {
	return access.Wall{Name: p.Name(), Admits: access.Admits(p.Admits())}
}
