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
			for _, d := range rulesOf(f.Directives) {
				f.Description = strings.TrimSpace(f.Description + "\n\nRule: " + describe(d))
			}
		}
	}
}

// describe writes a rule as it stands in the schema, but for a reason, which is a sentence of its own.
func describe(d *ast.Directive) string {
	var parameters []string
	for _, a := range d.Arguments {
		if a.Name != "reason" {
			parameters = append(parameters, a.Name+": "+a.Value.String())
		}
	}
	name, words := "@"+d.Name, []string{inWords[d.Name]}
	if len(parameters) > 0 {
		name += "(" + strings.Join(parameters, ", ") + ")"
	}
	if of, id := argument(d, "of"), argument(d, "id"); of != "" && id != "" {
		words = []string{fmt.Sprintf("Only the owner of the %s that `%s` names.", of, id)}
	}
	if argument(d, "otherwise") == string(OtherwiseNull) {
		words = append(words, "Refused: null, without an error.")
	}
	if reason := argument(d, "reason"); reason != "" {
		words = append(words, reason)
	}
	return "`" + name + "`. " + strings.Join(words, " ")
}
