package check

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
)

// owner checks the parameters with which @owner finds a row.
func (k *checker) owner(where string, t *ast.Definition, f *ast.FieldDefinition, r directives.Rule) {
	of, id := r.Of, r.ID
	if !k.isRoot(t) {
		if of != "" || id != "" {
			k.fault(r.At, where, "@owner takes of and id on root fields only; on this field the loaded row decides")
		}
		k.owned(where, t, r)
		return
	}
	if of == "" || id == "" {
		k.fault(r.At, where, "@owner on a root field requires a type and the path of an argument: @owner(of: …, id: …)")
		return
	}
	if k.schema.Types[of] == nil {
		k.fault(r.At, where, "@owner(of: %q): the schema has no such type", of)
	} else if !k.Owned[of] {
		k.fault(r.At, where, "@owner(of: %q): no module declares such an owned type, so nothing finds its rows: add owned.Declare(owned.Type{Name: %[1]q, …}) to the Types of a module", of)
	}
	k.argumentPath(where, f, r)
}

// argumentPath checks that the path leads through input objects to an ID or a list of IDs.
func (k *checker) argumentPath(where string, f *ast.FieldDefinition, r directives.Rule) {
	typ := k.typeAt(where, f, r, "id", r.ID)
	if typ == nil {
		return
	}
	if typ.Elem != nil {
		typ = typ.Elem
	}
	if typ.NamedType != "ID" {
		k.fault(r.At, where, "@owner(id: %q): it is a %s, not an ID or a list of IDs", r.ID, typ)
	}
}

// typeAt returns the type of the argument, or of the field of an input, at a path that a parameter of a rule has; nil after a
// fault.
func (k *checker) typeAt(where string, f *ast.FieldDefinition, r directives.Rule, parameter, path string) *ast.Type {
	steps := strings.Split(path, ".")
	arg := f.Arguments.ForName(steps[0])
	if arg == nil {
		k.fault(r.At, where, "@owner(%s: %q): the field has no argument %s", parameter, path, steps[0])
		return nil
	}
	typ := arg.Type
	for _, step := range steps[1:] {
		input := k.schema.Types[typ.Name()]
		var next *ast.FieldDefinition
		if typ.Elem == nil && input.Kind == ast.InputObject {
			next = input.Fields.ForName(step)
		}
		if next == nil {
			k.fault(r.At, where, "@owner(%s: %q): %s has no field %s", parameter, path, typ, step)
			return nil
		}
		typ = next.Type
	}
	return typ
}

// relation checks that the type of the row has the relation that the rule asks for.
func (k *checker) relation(where string, t *ast.Definition, r directives.Rule) {
	typ := t.Name
	if k.isRoot(t) {
		typ = r.Of
	}
	known := k.Relations[typ]
	switch {
	case r.As == directives.OwnerRelation || !k.Owned[typ] || slices.Contains(known, r.As):
	case len(known) == 0:
		k.fault(r.At, where, "@owner(as: %q): %s has no relations besides %s: add Relation and Relations to the Table of its declaration, and to app.protect in its migration", r.As, typ, directives.OwnerRelation)
	default:
		k.fault(r.At, where, "@owner(as: %q): %s has no such relation, only %s", r.As, typ, strings.Join(append([]string{directives.OwnerRelation}, known...), ", "))
	}
}

// condition checks that when names an argument that a client can omit.
func (k *checker) condition(where string, t *ast.Definition, f *ast.FieldDefinition, r directives.Rule) {
	if r.When == "" {
		return
	}
	if !k.isRoot(t) {
		k.fault(r.At, where, "@owner takes when on root fields only")
		return
	}
	if typ := k.typeAt(where, f, r, "when", r.When); typ != nil && typ.NonNull {
		k.fault(r.At, where, "@owner(when: %q): the argument is required, so the rule always applies: leave out when", r.When)
	}
}

// repeated checks the combination of rules on one field.
func (k *checker) repeated(where string, t *ast.Definition, f *ast.FieldDefinition, list []directives.Rule) {
	if !k.isRoot(t) || slices.ContainsFunc(list, func(r directives.Rule) bool { return r.Name != "owner" }) {
		k.fault(f.Position, where, "the field has %d rules; it needs exactly one, unless it is a root field and each of them is @owner", len(list))
		return
	}
	if !slices.ContainsFunc(list, directives.Rule.IsUnconditional) {
		k.fault(f.Position, where, "each rule applies only with an argument, so nothing decides without them: add a rule without when")
	}
	for i, r := range list {
		if r.Otherwise != list[0].Otherwise {
			k.fault(r.At, where, "%s: repeated rules need the same otherwise", r)
		}
		if slices.ContainsFunc(list[:i], func(other directives.Rule) bool {
			return other.Of == r.Of && other.ID == r.ID && other.As == r.As && other.When == r.When
		}) {
			k.fault(r.At, where, "%s: another rule of the field has the same parameters", r)
		}
	}
}

// scopes checks that a rule names scopes that a module declares.
func (k *checker) scopes(where string, r directives.Rule, parameter string, anyOf [][]string) {
	if len(anyOf) == 0 {
		k.fault(r.At, where, "@%s(%s: []): name at least one scope", r.Name, parameter)
	}
	for _, all := range anyOf {
		if len(all) == 0 {
			k.fault(r.At, where, "@%s: a list in %s is empty: name at least one scope", r.Name, parameter)
		}
		for _, name := range all {
			if !k.Scopes[name] {
				k.fault(r.At, where, "@%s names the scope %q, which no module declares: add it to the Scopes of a module", r.Name, name)
			}
		}
	}
}
