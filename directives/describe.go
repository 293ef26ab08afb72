package directives

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// inWords says who may read a field, by the name of its rule. @owner and @scopes say it by their parameters.
var inWords = map[string]string{
	"public":    "Anyone, signed in or not.",
	"visible":   "Any viewer who may see the row.",
	"signedIn":  "Any signed-in member.",
	"inherited": "The same viewers as the field that returned the object.",
}

// Describe appends the rule of each field to its description, since introspection shows descriptions but not directives. It
// changes the schema, which must not be shared.
func Describe(schema *ast.Schema) {
	for _, t := range schema.Types {
		for _, f := range t.Fields {
			if _, ok := RuleOf(f); !ok {
				continue
			}
			for _, r := range RulesOf(f) {
				f.Description = strings.TrimSpace(f.Description + "\n\nRule: " + describe(r))
			}
		}
	}
}

func describe(r Rule) string {
	words := []string{readers(r)}
	if r.Otherwise == OtherwiseNull {
		words = append(words, "If refused: null, without an error.")
	}
	if r.Reason != "" {
		words = append(words, r.Reason)
	}
	return "`" + r.String() + "`. " + strings.Join(words, " ")
}

// readers says who may read a field with a rule.
func readers(r Rule) string {
	switch r.Name {
	case "owner":
		return describeOwner(r)
	case "scopes":
		return "Only operators with " + scopesInWords(r.AnyOf) + "."
	default:
		return inWords[r.Name]
	}
}

func describeOwner(r Rule) string {
	row := "the row"
	if r.Of != "" && r.ID != "" {
		row = fmt.Sprintf("the %s that `%s` names", r.Of, r.ID)
	}
	text := "Only the owner of " + row
	if r.As != OwnerRelation {
		text = fmt.Sprintf("Only viewers whose relation to %s is %s or stronger", row, r.As)
	}
	if r.OrScopes != nil {
		text += ", and operators with " + scopesInWords(r.OrScopes)
	}
	if r.When != "" {
		text = fmt.Sprintf("If `%s` is present: %s", r.When, strings.ToLower(text[:1])+text[1:])
	}
	return text + "."
}

// scopesInWords writes alternatives: `a` and `b`, or `c`.
func scopesInWords(anyOf [][]string) string {
	var alternatives []string
	for _, all := range anyOf {
		alternatives = append(alternatives, "`"+strings.Join(all, "` and `")+"`")
	}
	return strings.Join(alternatives, ", or ")
}
