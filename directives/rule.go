package directives

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Rule is the rule directive of a field.
type Rule struct {
	Name      string // without the @
	Of, ID    string // of @owner on a root field: the type, and the path of the argument that has the id of the row
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

// RuleOf returns the rule of a field. ok is false if the field has no rule or several.
func RuleOf(f *ast.FieldDefinition) (r Rule, ok bool) {
	list := rulesOf(f.Directives)
	if len(list) != 1 {
		return Rule{}, false
	}
	return newRule(list[0]), true
}

func newRule(d *ast.Directive) Rule {
	r := Rule{
		Name: d.Name, Of: argument(d, "of"), ID: argument(d, "id"),
		Otherwise: Otherwise(argument(d, "otherwise")), Reason: argument(d, "reason"), at: d.Position,
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
