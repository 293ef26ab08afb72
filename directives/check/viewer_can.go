package check

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
)

// viewerCan checks that each owned type says what viewers can do with its rows, completely and correctly. The type TPermissions of
// its field viewerCan has the lists actions, see and edit, with values of the enums TAction and TField.
func (k *checker) viewerCan() {
	all := directives.PermissionsOf(k.schema)
	for _, t := range sorted(k.schema.Types) {
		if !k.Owned[t.Name] || k.Remote[t.Name] || t.Kind != ast.Object {
			continue
		}
		p, ok := all[t.Name]
		if !ok {
			k.fault(t.Position, t.Name, "an owned type needs viewerCan: add the field viewerCan: %sPermissions @visible", t.Name)
			continue
		}
		k.actions(t, p.Actions)
		k.fields(t, p)
		k.permissions(t, p)
	}
}

// actions checks that each value of the enum of actions means a mutation, and that the enum has each mutation of the type.
func (k *checker) actions(t *ast.Definition, actions []directives.Permission) {
	listed := map[string]bool{}
	for _, a := range actions {
		if listed[a.Field] = true; len(a.AnyOf) == 0 {
			k.fault(a.At, t.Name+"Action."+a.Value, "no mutation %s with @owner(of: %q)", a.Field, t.Name)
		}
	}
	if k.schema.Mutation == nil {
		return
	}
	for _, f := range k.schema.Mutation.Fields {
		if rule, ok := directives.RuleOf(f); ok && rule.Of == t.Name && !listed[f.Name] {
			k.fault(f.Position, "Mutation."+f.Name, "@owner(of: %q), but %sAction has no value for it", t.Name, t.Name)
		}
	}
}

// fields checks that the enum of fields has exactly the fields of the type.
func (k *checker) fields(t *ast.Definition, p directives.Permissions) {
	name := t.Name + "Field"
	enum := k.schema.Types[name]
	if enum == nil || enum.Kind != ast.Enum {
		k.fault(t.Position, t.Name, "viewerCan needs the enum %s, with a value for each other field of the type", name)
		return
	}
	for _, f := range p.See {
		if enum.EnumValues.ForName(f.Value) == nil {
			k.fault(t.Fields.ForName(f.Field).Position, t.Name+"."+f.Field, "the enum %s has no value for the field: add %s", name, f.Value)
		}
	}
	for _, value := range enum.EnumValues {
		if !slices.ContainsFunc(p.See, func(f directives.Permission) bool { return f.Value == value.Name }) {
			k.fault(value.Position, name+"."+value.Name, "%s has no such field", t.Name)
		}
	}
}

// permissions checks the type of viewerCan: see, and actions and edit if some mutation is about rows of the type.
func (k *checker) permissions(t *ast.Definition, p directives.Permissions) {
	name := t.Name + "Permissions"
	f := t.Fields.ForName("viewerCan")
	if f.Type.Name() != name || f.Type.Elem != nil {
		k.fault(f.Position, t.Name+"."+f.Name, "it is a %s, and needs the type %s", f.Type, name)
		return
	}
	want := map[string]string{"see": "[" + t.Name + "Field!]!"}
	if len(p.Actions) > 0 {
		want["actions"] = "[" + t.Name + "Action!]!"
	}
	if len(p.Edit) > 0 {
		want["edit"] = "[" + t.Name + "Field!]!"
	}
	def := k.schema.Types[name]
	for _, list := range []string{"actions", "see", "edit"} {
		got := def.Fields.ForName(list)
		switch typ := want[list]; {
		case typ == "" && got != nil:
			k.fault(got.Position, name+"."+list, "no mutation is about rows of %s in this way: remove the field", t.Name)
		case typ != "" && (got == nil || got.Type.String() != typ):
			k.fault(def.Position, name, "it needs the field %s: %s @inherited", list, typ)
		}
	}
}
