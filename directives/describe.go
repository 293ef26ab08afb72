package directives

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// inWords says of each rule who may read a field that carries it.
var inWords = map[string]string{
	"public":    "Anyone, signed in or not.",
	"visible":   "Whoever may see the row.",
	"signedIn":  "Any signed-in member.",
	"owner":     "Only the owner of the row.",
	"inherited": "Whoever was let through by the field that returned the object.",
}

// Describe appends to the description of each field its rule, since introspection shows descriptions but not which
// directives a field carries. It changes the schema, so that must not be one that is shared.
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
		words = append(words, "Refused: null, without an error.")
	}
	if r.Reason != "" {
		words = append(words, r.Reason)
	}
	return "`" + r.String() + "`. " + strings.Join(words, " ")
}
