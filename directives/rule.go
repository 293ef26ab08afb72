package directives

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// OwnerRelation is the relation of the owner of a row, the strongest one of each type.
const OwnerRelation = "OWNER"

// Names returns the names of the rule directives, and whether gqlgen must run them.
func Names() map[string]bool { return maps.Clone(names) }

var names = map[string]bool{"public": false, "inherited": false, "visible": true, "signedIn": true, "owner": true, "scopes": true}

// DecidedInCode are the only fields without a rule, as Type.field, and why they are public.
var DecidedInCode = map[string]string{
	"Query.__schema":  "Introspection, in development only.",
	"Query.__type":    "Introspection, in development only.",
	"Query._entities": "Each field of an entity has its own rule.",
	"Query._service":  "Gateways read the schema in order to compose it.",
	"_Service.sdl":    "Gateways read the schema in order to compose it.",
}

// Rule is a rule directive of a field.
type Rule struct {
	Name      string     // without the @
	Of, ID    string     // of @owner on a root field: the type, and the path of the argument that has the id of the row
	As        string     // of @owner: the weakest relation that it admits; OwnerRelation unless the schema says otherwise
	When      string     // of @owner on a root field: the path of the argument without which the rule does not apply; "" if it always does
	OrScopes  [][]string // of @owner: the scopes that replace the relation; it takes all of one list
	AnyOf     [][]string // of @scopes: the scopes that it requires; it takes all of one list
	Otherwise Otherwise
	Reason    string        // of @public
	At        *ast.Position // in the schema

	admits     []string // the relations that As admits besides the owner
	path, when []string // ID and When, in steps
	text       string
}

// IsRule reports whether a directive is a rule.
func IsRule(name string) bool {
	_, ok := names[name]
	return ok
}

// RuleOf returns the rule of a field: of repeated @owner rules, the first one that always applies. ok is false if the field has no
// rule, or a combination that package check refuses.
func RuleOf(f *ast.FieldDefinition) (r Rule, ok bool) {
	list := RulesOf(f)
	i := slices.IndexFunc(list, func(r Rule) bool { return r.When == "" })
	if i < 0 || len(list) > 1 && slices.ContainsFunc(list, func(r Rule) bool { return r.Name != "owner" }) {
		return Rule{}, false
	}
	return list[i], true
}

// RulesOf returns all rules of a field, in the order of the schema. Each must admit the viewer.
func RulesOf(f *ast.FieldDefinition) (list []Rule) {
	for _, d := range f.Directives {
		if IsRule(d.Name) {
			list = append(list, newRule(d))
		}
	}
	return list
}

func newRule(d *ast.Directive) Rule {
	r := Rule{
		Name: d.Name, Of: argument(d, "of"), ID: argument(d, "id"), When: argument(d, "when"),
		OrScopes: alternatives(d, "orScopes"), AnyOf: alternatives(d, "anyOf"),
		Otherwise: Otherwise(cmp.Or(argument(d, "otherwise"), string(OtherwiseError))), Reason: argument(d, "reason"), At: d.Position,
	}
	if r.Name == "owner" {
		r.As = cmp.Or(argument(d, "as"), OwnerRelation)
	}
	r.path = strings.Split(r.ID, ".")
	if r.When != "" {
		r.when = strings.Split(r.When, ".")
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

// Among returns the rule for a type with these relations, strongest first.
func (r Rule) Among(relations []string) Rule {
	r.admits = nil
	if i := slices.Index(relations, r.As); i >= 0 {
		r.admits = relations[:i+1]
	}
	return r
}

// IsUnconditional reports whether the rule applies to each request of its field.
func (r Rule) IsUnconditional() bool { return r.When == "" }

// Scopes returns the alternatives of scopes that the rule names: each a list of scopes that a viewer needs together.
func (r Rule) Scopes() [][]string {
	if r.Name == "scopes" {
		return r.AnyOf
	}
	return r.OrScopes
}

// String returns the rule as the schema has it, without the reason.
func (r Rule) String() string { return r.text }

func argument(d *ast.Directive, name string) string {
	if a := d.Arguments.ForName(name); a != nil && a.Value.Kind != ast.NullValue {
		return a.Value.Raw
	}
	return ""
}

// alternatives reads a list of lists. GraphQL takes one element for a list of one.
func alternatives(d *ast.Directive, name string) (anyOf [][]string) {
	a := d.Arguments.ForName(name)
	if a == nil || a.Value.Kind == ast.NullValue {
		return nil
	}
	for _, list := range elements(a.Value) {
		all := []string{}
		for _, scope := range elements(list) {
			all = append(all, scope.Raw)
		}
		anyOf = append(anyOf, all)
	}
	return anyOf
}

func elements(v *ast.Value) (list []*ast.Value) {
	if v.Kind != ast.ListValue {
		return []*ast.Value{v}
	}
	for _, child := range v.Children {
		list = append(list, child.Value)
	}
	return list
}
