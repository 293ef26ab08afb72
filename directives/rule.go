package directives

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Rule is the rule directive of a field.
type Rule struct {
	Name      string     // without the @
	Of, ID    string     // of @owner on a root field: the type, and the path of the argument that has the id of the row
	As        string     // of @owner: the weakest relation that it lets through
	When      string     // of @owner on a root field: the path of an argument; the rule applies only if it is present
	OrScopes  [][]string // of @owner: operators with all scopes of one entry pass too
	AnyOf     [][]string // of @scopes
	Otherwise Otherwise
	Reason    string // of @public
	text      string
	at        *ast.Position
}

// IsRule reports whether a directive is a rule.
func IsRule(name string) bool {
	_, ok := ruleNames[name]
	return ok
}

// RuleOf returns the main rule of a field: the one without a condition. ok is false if the field has no such rule or several.
func RuleOf(f *ast.FieldDefinition) (r Rule, ok bool) {
	for _, rule := range RulesOf(f) {
		switch {
		case rule.When != "":
		case ok:
			return Rule{}, false
		default:
			r, ok = rule, true
		}
	}
	return r, ok
}

// RulesOf returns all rules of a field, in the order of the schema.
func RulesOf(f *ast.FieldDefinition) (all []Rule) {
	for _, d := range f.Directives {
		if _, ok := ruleNames[d.Name]; ok || d.Name == "scopes" {
			all = append(all, newRule(d))
		}
	}
	return all
}

// scopeSets returns the value of an argument with alternatives of scopes.
func scopeSets(d *ast.Directive, name string) (sets [][]string) {
	a := d.Arguments.ForName(name)
	if a == nil {
		return nil
	}
	for _, inner := range a.Value.Children {
		var set []string
		for _, scope := range inner.Value.Children {
			set = append(set, scope.Value.Raw)
		}
		sets = append(sets, set)
	}
	return sets
}

func newRule(d *ast.Directive) Rule {
	r := Rule{
		Name: d.Name, Of: argument(d, "of"), ID: argument(d, "id"),
		Otherwise: Otherwise(argument(d, "otherwise")), Reason: argument(d, "reason"), at: d.Position,
		As: argument(d, "as"), When: argument(d, "when"), OrScopes: scopeSets(d, "orScopes"), AnyOf: scopeSets(d, "anyOf"),
	}
	if r.As == "" && r.Name == "owner" {
		r.As = "OWNER"
	}
	if r.Otherwise == "" {
		r.Otherwise = OtherwiseError
	}
	var parameters []string
	for _, a := range d.Arguments {
		if a.Name != "reason" {
			parameters = append(parameters, a.Name+": "+a.Value.String())
		}
	}
	r.text = "@" + r.Name
	if len(parameters) > 0 {
		r.text += "(" + strings.Join(parameters, ", ") + ")"
	}
	return r
}

// String returns the rule as the schema has it, without the reason.
func (r Rule) String() string { return r.text }

func argument(d *ast.Directive, name string) string {
	if a := d.Arguments.ForName(name); a != nil {
		return a.Value.Raw
	}
	return ""
}
