package document

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/core/members"
	"freehold.dev/freehold/graph"
)

// Each entry of the tables names a text of the schema, so that a renamed field does not get the default.
func TestTextWeightsNameFields(t *testing.T) {
	t.Parallel()
	schema := graph.NewSchema()
	for name := range members.TextBytes {
		typ, field, _ := strings.Cut(name, ".")
		if d := schema.Types[typ]; d == nil || d.Fields.ForName(field) == nil || !slices.Contains([]string{"String", "JSON"}, d.Fields.ForName(field).Type.Name()) {
			t.Errorf("%s is not a String or JSON of the schema", name)
		}
	}
	for name := range scalarBytes {
		if d := schema.Types[name]; d == nil || d.Kind != ast.Scalar {
			t.Errorf("%s is not a scalar of the schema", name)
		}
	}
}
