package graph

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// The generated code calls each rule that runs exactly where the schema has it, and nothing for @public, @inherited and
// what is decided in code: those cost nothing.
func TestGeneratedCodeCallsEachRuleWhereItStands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("generated.go")
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]string{"visible": "Visible", "signedIn": "SignedIn", "owner": "Owner"}
	call := regexp.MustCompile(`return ec\.Directives\.(\w+)\(`)
	seen := 0
	for _, typ := range NewSchema().Types {
		if typ.Kind != ast.Object || strings.HasPrefix(typ.Name, "__") {
			continue
		}
		for _, f := range typ.Fields {
			_, rest, found := strings.Cut(string(text), "\nfunc (ec *executionContext) _"+typ.Name+"_"+f.Name+"(")
			if !found {
				t.Errorf("%s.%s: no code was generated", typ.Name, f.Name)
				continue
			}
			body, _, _ := strings.Cut(rest, "\n}\n")
			var got, want []string
			for _, m := range call.FindAllStringSubmatch(body, -1) {
				got = append(got, m[1])
			}
			for _, d := range f.Directives {
				if rule := runs[d.Name]; rule != "" {
					want = append(want, rule)
				}
			}
			seen += len(want)
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s.%s calls %v, and the schema has %v", typ.Name, f.Name, got, want)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d rules were seen", seen)
	}
}
