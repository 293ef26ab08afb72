package permissions

import (
	"encoding/json"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/e2e/harness"
)

const leave = `
directive @owner(of: String, id: String) on FIELD_DEFINITION
type Query { q: Int }
type Mutation { leave(input: String): Int @owner(of: "Thing", id: "input.id") }`

// Only an error of the resolver means that the rule has let the viewer through.
func TestErrorsOfResolvers(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: leave})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"errors": [{"path": ["leave"], "extensions": {"code": "BAD_USER_INPUT", "fields": [{"path": "input.id", "code": "OWNER"}]}}]}`:       true,
		`{"errors": [{"path": ["leave"], "extensions": {"code": "BAD_USER_INPUT", "fields": [{"path": "input.userId", "code": "INVALID"}]}}]}`: true,
		`{"errors": [{"path": ["leave"], "extensions": {"code": "BAD_USER_INPUT", "fields": [{"path": "input.id", "code": "INVALID"}]}}]}`:     false,
		`{"errors": [{"path": ["leave"], "extensions": {"code": "BAD_USER_INPUT", "fields": [{"path": "input.id", "code": "NULL"}]}}]}`:        false,
		`{"errors": [{"extensions": {"code": "BAD_USER_INPUT", "fields": [{"path": "input.role", "code": "INVALID"}]}}]}`:                      false,
		`{"errors": [{"path": ["leave"], "extensions": {"code": "FORBIDDEN"}}]}`:                                                               false,
		`{"data": {"leave": 1}}`: false,
	} {
		var r harness.Reply
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		if got := isByResolver(r, schema.Mutation.Fields.ForName("leave")); got != want {
			t.Errorf("%s: got %v", body, got)
		}
	}
}
