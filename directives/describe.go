package directives

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// inWords says who may read a field, by the name of its rule.
var inWords = map[string]string{
	"public":    "Anyone, signed in or not.",
	"visible":   "Any viewer who may see the row.",
	"signedIn":  "Any signed-in member.",
	"owner":     "Only the owner of the row.",
	"inherited": "The same viewers as the field that returned the object.",
}

// Describe appends the rule of each field to its description, since introspection shows descriptions but not directives. It
// changes the schema, which must not be shared.
func Describe(schema *ast.Schema) {
	for _, t := range schema.Types {
		for _, f := range t.Fields {
			if r, ok := RuleOf(f); ok {
				f.Description = strings.TrimSpace(f.Description + "\n\nRule: " + describe(r))
			}
		}
	}
}

func describe(r Rule) string {
	words := []string{inWords[r.Name]}
	if r.Of != "" && r.ID != "" {
		words = []string{fmt.Sprintf("Only the owner of the %s that `%s` names.", r.Of, r.ID)}
	}
	if r.Otherwise == OtherwiseNull {
		words = append(words, "If refused: null, without an error.")
	}
	if r.Reason != "" {
		words = append(words, r.Reason)
	}
	return "`" + r.String() + "`. " + strings.Join(words, " ")
}
