package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"freehold/access"
	"freehold/db"
	"freehold/directives"
	"freehold/owned"
)

// behind is what stands in the database behind a field: row policies, or a definer function instead of them.
type behind struct {
	guards   []owned.Guard
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
	return behind{}
}

// walls tells the matrix what stands in the database behind each field.
func (p *Program) walls(schema *ast.Schema) access.Walls {
	w := access.Walls{Types: map[string]access.Wall{}, Fields: map[string][]access.Wall{}}
	for _, t := range p.registry.Types() {
		w.Types[t.Name] = wall(t.Guard().Policy)
		for _, f := range schema.Mutation.Fields {
			if guard, ok := t.CreationGuard(f.Name); ok {
				w.Fields["Mutation."+f.Name] = []access.Wall{{Name: guard.Name(), Admits: access.AdmitsMembers}}
			}
		}
	}
	for _, typ := range schema.Types {
		for _, f := range typ.Fields {
			rule, _ := directives.RuleOf(f)
			switch b := p.behind(typ.Name, f.Name, rule); {
			case b.function != nil:
				w.Fields[typ.Name+"."+f.Name] = []access.Wall{*b.function}
			case len(b.guards) > 0:
				w.Fields[typ.Name+"."+f.Name] = wallsOf(b.guards)
			}
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
