package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold.dev/freehold/graph"
)

// Every test that docs/security.md names exists: in the package that it names, or else below e2e.
func TestSecurityRowsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := findTests(t)
	rows := 0
	for _, name := range regexp.MustCompile("`((?:[a-z/]+\\.)?(?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)[/a-z_]*`").FindAllStringSubmatch(string(text), -1) {
		rows++
		if !tests[name[1]] {
			t.Errorf("docs/security.md names the test %s, which does not exist", name[1])
		}
	}
	if rows < 80 {
		t.Errorf("only %d names of tests were found", rows)
	}
}

// findTests returns the names of all tests: as package.Test and, for those below e2e, without the package.
func findTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder := filepath.Dir(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			found[filepath.Base(folder)+"."+string(m[1])] = true
			if strings.HasPrefix(folder, "e2e") {
				found[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// docs/architecture.md has a row for each package in the table of imports_test.go, and for no other.
func TestArchitectureNamesEachPackage(t *testing.T) {
	t.Parallel()
	text := readPage(t, "docs/architecture.md")
	_, section, _ := strings.Cut(text, "\n## Packages\n")
	section, _, _ = strings.Cut(section, "\n### ")
	named := []string{""} // the command
	for _, cell := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z0-9/]+)`").FindAllStringSubmatch(cell[1], -1) {
			if name[1] != "core" { // a module, which the table of imports does not name
				named = append(named, name[1])
			}
		}
	}
	slices.Sort(named)
	packages := slices.Sorted(maps.Keys(mayImport))
	for _, name := range packages {
		if !slices.Contains(named, name) {
			t.Errorf("docs/architecture.md has no row for package %s", name)
		}
	}
	for _, name := range named {
		if !slices.Contains(packages, name) {
			t.Errorf("docs/architecture.md has a row for %s, which is not in the table of imports_test.go", name)
		}
	}
}

// Each link of a page leads to a file that exists and to a heading that it has.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(readPage(t, page), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			target, anchor, _ := strings.Cut(link[1], "#")
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, link[1])
			} else if anchor != "" && !slices.Contains(anchors(readPage(t, path)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", page, link[1])
			}
		}
	}
	if links < 90 {
		t.Errorf("only %d links were found", links)
	}
}

// The files, tables and SQL functions that pages name exist.
func TestPagesNameWhatExists(t *testing.T) {
	t.Parallel()
	database := readPage(t, "docs/schema.sql") + readPage(t, "docs/schema-subgraph.sql")
	names := 0
	for _, page := range pages(t) {
		text := readPage(t, page)
		for _, name := range regexp.MustCompile("`app\\.([a-z_]+)").FindAllStringSubmatch(text, -1) {
			names++
			if page != "docs/deployment.md" && page != "docs/rules.md" && page != "docs/extend.md" && !strings.Contains(database, "app."+name[1]) { // these have examples
				t.Errorf("%s names app.%s, which is not in docs/schema.sql", page, name[1])
			}
		}
		for _, name := range regexp.MustCompile("`((?:[a-z0-9_]+/)+[a-z0-9_.]+\\.(?:go|sql|graphqls|txt|sh))`").FindAllStringSubmatch(text, -1) {
			names++
			if _, err := os.Stat(name[1]); err != nil && page != "docs/extend.md" && !strings.HasPrefix(name[1], "functions/") { // these are an adopter's
				t.Errorf("%s names %s, which does not exist", page, name[1])
			}
		}
	}
	if names < 50 {
		t.Errorf("only %d names were found", names)
	}
}

// The code about sharing in docs/extend.md, and the rules in docs/rules.md, are those of examples/notes, whose tests run them. Queries
// are valid for the schema.
func TestSharingIsThatOfTheExample(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(readPage(t, "docs/extend.md"), "\n## Sharing\n")
	var example strings.Builder
	err := filepath.WalkDir("examples/notes", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".sql", ".go", ".graphqls"}, filepath.Ext(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		example.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	code := oneLine(example.String())
	schema := graph.NewSchema()
	checked := 0
	for _, block := range regexp.MustCompile("(?s)\n```(go|sql|graphql)\n(.*?)```").FindAllStringSubmatch(section+readPage(t, "docs/rules.md"), -1) {
		checked++
		if text := oneLine(block[2]); strings.HasPrefix(text, "{") {
			if _, err := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules()); err != nil {
				t.Errorf("the schema does not have this query of the pages: %v\n%s", err, block[2])
			}
		} else if !strings.Contains(code, text) {
			t.Errorf("examples/notes does not have this code of the pages:\n%s", block[2])
		}
	}
	if checked < 7 {
		t.Errorf("only %d blocks of code were found", checked)
	}
}

// The code for other services in docs/federation.md is that of an example that runs.
func TestCodeForServicesIsThatOfTheExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("remote/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	example := oneLine(string(text))
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)```").FindAllStringSubmatch(readPage(t, "docs/federation.md"), -1)
	for _, block := range blocks {
		if !strings.Contains(example, oneLine(block[1])) {
			t.Errorf("package remote has no such example:\n%s", block[1])
		}
	}
	if len(blocks) == 0 {
		t.Error("no block of code was found")
	}
}

// oneLine returns a text with single spaces, without the descriptions of GraphQL.
func oneLine(text string) string {
	text = regexp.MustCompile(`(?m)^\s*"[^"]*"$`).ReplaceAllString(text, "")
	return strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(strings.Fields(text), " "))
}

// pages returns the paths of all pages that this repository has.
func pages(t *testing.T) (paths []string) {
	t.Helper()
	paths = []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "bench/README.md"}
	err := filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchors returns the anchors that GitHub gives the headings of a page.
func anchors(page string) (anchors []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1]))
	}
	return anchors
}
