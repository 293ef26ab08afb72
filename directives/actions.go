package directives

import (
	"context"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
)

// action is a value of the enum of actions of a type, and the rule of the mutation that it means.
type action struct {
	value string
	field string // of Mutation
	rule  Rule
	at    *ast.Position
	known bool // whether there is such a mutation, with @owner(of: the type)
}

// actionsOf reads the enums of actions. UPDATE of ProfileAction means Mutation.updateProfile, and CREATE_NOTE of NotebookAction
// means Mutation.createNote, unless there is a createNoteNotebook.
func actionsOf(schema *ast.Schema) map[string][]action {
	actions := map[string][]action{}
	for _, t := range schema.Types {
		enum := schema.Types[t.Name+"Action"]
		if t.Kind != ast.Object || enum == nil || enum.Kind != ast.Enum {
			continue
		}
		for _, value := range enum.EnumValues {
			a := action{value: value.Name, field: camel(value.Name) + t.Name, at: value.Position}
			for _, name := range []string{a.field, camel(value.Name)} {
				if rule, ok := ruleOfMutation(schema, name); ok && rule.Of == t.Name {
					a.field, a.rule, a.known = name, rule, true
					break
				}
			}
			actions[t.Name] = append(actions[t.Name], a)
		}
	}
	return actions
}

func ruleOfMutation(schema *ast.Schema, name string) (Rule, bool) {
	if schema.Mutation == nil {
		return Rule{}, false
	}
	f := schema.Mutation.Fields.ForName(name)
	if f == nil {
		return Rule{}, false
	}
	return RuleOf(f)
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

// ViewerCan returns the actions of a type that the viewer may take with a loaded row, as the rules of their mutations would
// decide. It makes no query.
func (r *Rules) ViewerCan(ctx context.Context, typ string, row any) []string {
	viewer, can := auth.ViewerFrom(ctx), []string{}
	for _, a := range r.actions[typ] {
		if a.known && a.rule.Decide(viewer, row) == nil {
			can = append(can, a.value)
		}
	}
	return can
}
