package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which packages of ours a package may import. A line knows its place by what it needs to know; see
// docs/architecture.md.
var mayImport = map[string][]string{
	"fault":          {},
	"devpg":          {},
	"auth":           {"fault"},
	"graph/model":    {"auth", "fault"},
	"graph":          {"graph/model", "directives"},
	"directives":     {"auth", "fault"},
	"access":         {"directives", "fault"},
	"db":             {"auth", "fault"},
	"db/dbtest":      {"db", "devpg"},
	"mail":           {},
	"accounts":       {"auth", "db", "fault", "mail"},
	"resolvers":      {"accounts", "db", "auth", "fault", "graph", "graph/model"},
	"web":            {"access"},
	"app":            {"access", "mail", "web", "accounts", "auth", "db", "directives", "fault", "graph", "graph/model", "resolvers"},
	"":               {"access", "app", "devpg"}, // the command
	"e2e":            {},
	"e2e/hostile":    {},
	"examples/notes": {"auth", "db", "directives", "fault"},
}

// What tests may import besides: a database, and the outermost door.
var testsMayImport = map[string][]string{
	"app":            {"db/dbtest", "e2e/hostile"},
	"db":             {"db", "db/dbtest"},
	"e2e":            {"access", "app", "accounts", "auth", "db", "db/dbtest", "devpg", "e2e/hostile", "fault", "resolvers"},
	"examples/notes": {"accounts", "app", "db/dbtest", "examples/notes"},
	"web":            {"app", "db/dbtest"},
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{.ImportPath}};{{join .Imports " "}};{{join .TestImports " "}} {{join .XTestImports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), ";")
		name := ours(parts[0])
		seen[name] = true
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("package %q is not in the table: say what it may import, and what it owns", name)
		}
		check := func(imports string, allowed []string) {
			for _, path := range strings.Fields(imports) {
				if strings.HasPrefix(path, "freehold") && !slices.Contains(allowed, ours(path)) {
					t.Errorf("%s must not import %s", parts[0], path)
				}
			}
		}
		check(parts[1], allowed)
		check(parts[2], append(slices.Clone(allowed), testsMayImport[name]...))
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("the table names %q, which does not exist", name)
		}
	}
}

func ours(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "freehold"), "/")
}
