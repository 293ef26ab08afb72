package edge

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/hostile"
)

// G14: variables whose default values have an unknown type, a type that no variable can have, or do not fit are refused by
// the right code, and nothing panics.
func TestHostileDefaults(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, definition := range hostile.Defaults {
		for _, use := range []string{`me { id }`, `nodes(ids: $x) { id }`, `profiles(first: $x) { nodes { id } }`, `me @skip(if: $x) { id }`} {
			for _, v := range []harness.Vars{nil, {"x": nil}, {"x": []any{harness.Vars{"a": 1}}}} {
				r := s.Do("", fmt.Sprintf(`query (%s) { %s }`, definition, use), v)
				code, _, _ := strings.Cut(r.Code(), " ")
				if r.Status != 200 || code != "" && code != "GRAPHQL_VALIDATION_FAILED" && code != "BAD_USER_INPUT" && code != "GRAPHQL_PARSE_FAILED" {
					t.Errorf("%s, %s, %v: %d %s", definition, use, v, r.Status, r.Body)
				}
			}
		}
	}
	if r := s.Do("", `query ($x: Nope = 1) { me { id } }`, nil); !strings.HasPrefix(r.Code(), "GRAPHQL_VALIDATION_FAILED") || !strings.Contains(r.Body, "Nope") {
		t.Errorf("an unknown type: %s", r.Body)
	}
}
