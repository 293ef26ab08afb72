package graph

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
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
	runs := map[string]string{"visible": "Visible", "signedIn": "SignedIn", "owner": "Owner", "scopes": "Scopes"}
	call := regexp.MustCompile(`(?:return|answer, err :=) ec\.Directives\.(\w+)\(`)
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
			if before, _, ruled := strings.Cut(body, ", err := ec.Directives."); ruled && (strings.Contains(before, "obj.") || strings.Contains(before, "ec.Resolvers")) {
				t.Errorf("%s.%s is resolved before its rule has run", typ.Name, f.Name)
			}
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

// Errors of the start name the file and line of an element as a reader finds them.
func TestPositionsNameTheFiles(t *testing.T) {
	t.Parallel()
	schema := NewSchema()
	for name, want := range map[string]string{"Profile": "schema.graphqls", "_Service": "federation.graphqls", "_Entity": "entities.graphqls"} {
		at := schema.Types[name].Position
		if at.Src.Name != want {
			t.Errorf("%s is in %s; want %s", name, at.Src.Name, want)
		}
		if line := strings.Split(at.Src.Input, "\n")[at.Line-1]; !strings.Contains(line, " "+name+" ") {
			t.Errorf("%s is not in line %d of %s: %s", name, at.Line, want, line)
		}
	}
}

func TestTextIsTheWholeSchema(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: Text()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(schema.Types), len(parsedSchema.Types); got != want {
		t.Errorf("the text has %d types; want %d", got, want)
	}
	if !strings.HasPrefix(Text(), SDL()) || strings.Contains(SDL(), "_Entity") {
		t.Error("the text does not begin with the subgraph's own schema")
	}
}

// The subgraph has every file of the schema, and nothing of what serves it.
func TestSubgraphHasEveryFileOfTheSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*.graphqls")
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Contains(SDL(), string(text)), filepath.Base(file) != "federation.graphqls"; got != want {
			t.Errorf("%s is in the subgraph: %v, want %v", file, got, want)
		}
	}
	if strings.Contains(SDL(), "_entities") {
		t.Error("the subgraph has what serves Federation")
	}
}
