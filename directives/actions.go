package directives

import (
	"context"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// action is a value of the enum of actions of a type, and the rules of the mutation that it means.
type action struct {
	value string
	field string // of Mutation
	rules []Rule
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
				if rules := rulesOfMutation(schema, name, t.Name); slices.ContainsFunc(rules, Rule.IsUnconditional) {
					a.field, a.rules, a.known = name, rules, true
					break
				}
			}
			actions[t.Name] = append(actions[t.Name], a)
		}
	}
	return actions
}

// rulesOfMutation returns the rules of a mutation about rows of a type.
func rulesOfMutation(schema *ast.Schema, name, of string) (rules []Rule) {
	if schema.Mutation == nil {
		return nil
	}
	f := schema.Mutation.Fields.ForName(name)
	if f == nil {
		return nil
	}
	for _, rule := range RulesOf(f) {
		if rule.Of == of {
			rules = append(rules, rule)
		}
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

// ViewerCan returns the actions of a type that the viewer may take with a loaded row, as the rules of their mutations would
// decide without their optional arguments. It makes no query, unless a rule names scopes that the viewer's token has.
func (r *Rules) ViewerCan(ctx context.Context, typ string, row any) ([]string, error) {
	can := []string{}
	for _, a := range r.actions[typ] {
		may, err := r.mayTake(ctx, a, row)
		if err != nil {
			return nil, err
		}
		if may {
			can = append(can, a.value)
		}
	}
	return can, nil
}

func (r *Rules) mayTake(ctx context.Context, a action, row any) (bool, error) {
	for i := range a.rules {
		rule := &a.rules[i]
		if !rule.IsUnconditional() {
			continue
		}
		viewer, err := r.viewer(ctx, rule)
		if err != nil {
			return false, err
		}
		switch err := rule.Decide(viewer, row); {
		case isRefusal(err):
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return a.known, nil
}
