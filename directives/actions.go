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

// actionsOf reads the enums of actions. UPDATE of ProfileAction means Mutation.updateProfile.
func actionsOf(schema *ast.Schema) map[string][]action {
	actions := map[string][]action{}
	for _, t := range schema.Types {
		enum := schema.Types[t.Name+"Action"]
		if t.Kind != ast.Object || enum == nil || enum.Kind != ast.Enum {
			continue
		}
		for _, value := range enum.EnumValues {
			a := action{value: value.Name, field: mutationOf(value.Name, t.Name), at: value.Position}
			if schema.Mutation != nil {
				if f := schema.Mutation.Fields.ForName(a.field); f != nil {
					a.rule, a.known = RuleOf(f)
					a.known = a.known && a.rule.Of == t.Name
				}
			}
			actions[t.Name] = append(actions[t.Name], a)
		}
	}
	return actions
}

// mutationOf names the mutation of an action: CHANGE_NAME of Profile is changeNameProfile, UPDATE is updateProfile.
func mutationOf(value, typ string) string {
	words := strings.Split(strings.ToLower(value), "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "") + typ
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
