package directives

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
)

// Permission is a value of an enum of what a viewer may do with a row, and the rules that decide. One of the lists of rules must
// let the viewer through, with all of its rules.
type Permission struct {
	Value string
	Field string // the mutation, or the field of the type
	AnyOf [][]Rule
	At    *ast.Position // of the value of an action
}

// Permissions are what viewers may do with rows of a type.
type Permissions struct{ Actions, See, Edit []Permission }

// PermissionsOf returns what viewers may do with the rows of each type that has a field viewerCan.
func PermissionsOf(schema *ast.Schema) map[string]Permissions {
	all := map[string]Permissions{}
	for _, t := range schema.Types {
		if t.Kind == ast.Object && t.Fields.ForName(viewerCan) != nil {
			all[t.Name] = Permissions{Actions: actionsOf(schema, t), See: seeOf(t), Edit: editOf(schema, t)}
		}
	}
	return all
}

const viewerCan = "viewerCan"

// actionsOf reads the enum of actions. UPDATE of ProfileAction means Mutation.updateProfile, and CREATE_NOTE of NotebookAction means
// Mutation.createNote, unless there is a createNoteNotebook. A value without such a mutation has no rules.
func actionsOf(schema *ast.Schema, t *ast.Definition) (list []Permission) {
	enum := schema.Types[t.Name+"Action"]
	if enum == nil || enum.Kind != ast.Enum {
		return nil
	}
	for _, value := range enum.EnumValues {
		a := Permission{Value: value.Name, Field: camel(value.Name) + t.Name, At: value.Position}
		for _, name := range []string{a.Field, camel(value.Name)} {
			if rules := aboutRow(mutation(schema, name), t.Name, ""); len(rules) > 0 {
				a.Field, a.AnyOf = name, [][]Rule{rules}
				break
			}
		}
		list = append(list, a)
	}
	return list
}

// seeOf returns the fields of a type, with their rules.
func seeOf(t *ast.Definition) (list []Permission) {
	for _, f := range t.Fields {
		if f.Name != viewerCan {
			list = append(list, Permission{Value: constant(f.Name), Field: f.Name, AnyOf: [][]Rule{RulesOf(f)}})
		}
	}
	return list
}

// editOf returns the fields of a type that a mutation accepts for a row of the type, with the rules of all such mutations. The rules
// of a mutation name the row by an argument id.
func editOf(schema *ast.Schema, t *ast.Definition) (list []Permission) {
	if schema.Mutation == nil {
		return nil
	}
	for _, f := range t.Fields {
		p := Permission{Value: constant(f.Name), Field: f.Name}
		for _, m := range schema.Mutation.Fields {
			rule, ok := RuleOf(m)
			if !ok || rule.Of != t.Name || rule.path[len(rule.path)-1] != "id" || f.Name == "id" {
				continue
			}
			if path := pathOf(schema, m, f.Name); path != "" {
				p.AnyOf = append(p.AnyOf, aboutRow(m, t.Name, path))
			}
		}
		if len(p.AnyOf) > 0 {
			list = append(list, p)
		}
	}
	return list
}

// pathOf returns the path of the argument of a mutation, or of the field of an input, that has a name; "" for none.
func pathOf(schema *ast.Schema, m *ast.FieldDefinition, name string) string {
	if m.Arguments.ForName(name) != nil {
		return name
	}
	for _, a := range m.Arguments {
		if t := schema.Types[a.Type.Name()]; a.Type.Elem == nil && t.Kind == ast.InputObject && t.Fields.ForName(name) != nil {
			return a.Name + "." + name
		}
	}
	return ""
}

func mutation(schema *ast.Schema, name string) *ast.FieldDefinition {
	if schema.Mutation == nil {
		return nil
	}
	return schema.Mutation.Fields.ForName(name)
}

// aboutRow returns the rules of a mutation about a row of a type that apply if the argument at the path is present. It returns none
// if all of them depend on arguments.
func aboutRow(m *ast.FieldDefinition, typ, path string) (rules []Rule) {
	if m == nil {
		return nil
	}
	for _, rule := range RulesOf(m) {
		if rule.Of == typ && (rule.IsUnconditional() || rule.When == path) {
			rules = append(rules, rule)
		}
	}
	if !slices.ContainsFunc(rules, Rule.IsUnconditional) {
		return nil
	}
	return rules
}

// camel writes the value of an enum as the name of a field: CREATE_NOTE becomes createNote.
func camel(value string) string {
	words := strings.Split(strings.ToLower(value), "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// constant writes the name of a field as the value of an enum: displayName becomes DISPLAY_NAME.
func constant(field string) string {
	var b strings.Builder
	for _, r := range field {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// ViewerCan returns what the viewer may do with a loaded row: the actions, the fields that the viewer may see, and those that a
// mutation would change. The rules of the fields and mutations decide, as they would for requests. It makes no query, unless a rule
// names scopes that the viewer's token has.
func (r *Rules) ViewerCan(ctx context.Context, typ string, row any) (actions, see, edit []string, err error) {
	all := r.permissions[typ]
	values := make([]string, 0, len(all.Actions)+len(all.See)+len(all.Edit)) // of all three lists
	permitted := func(list []Permission) []string {
		start := len(values)
		for i := range list {
			permits, failed := r.permits(ctx, &list[i], typ, row)
			if failed != nil {
				err = failed
			} else if permits {
				values = append(values, list[i].Value)
			}
		}
		return values[start:len(values):len(values)]
	}
	actions, see, edit = permitted(all.Actions), permitted(all.See), permitted(all.Edit)
	return actions, see, edit, err
}

// permits reports whether all rules of one of the lists let the viewer through.
func (r *Rules) permits(ctx context.Context, p *Permission, typ string, row any) (bool, error) {
	for _, list := range p.AnyOf {
		refused := len(list) == 0
		for i := 0; i < len(list) && !refused; i++ {
			viewer, err := r.viewer(ctx, &list[i])
			if err != nil {
				return false, err
			}
			if err = list[i].Decide(viewer, row); err != nil {
				err = r.shown(ctx, &list[i], typ, err)
			}
			if refused = isRefusal(err); err != nil && !refused {
				return false, err
			}
		}
		if !refused {
			return true, nil
		}
	}
	return false, nil
}
