package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md names exists, where it says: in e2e unless a package is named.
func TestSecurityRowsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{} // by folder
	rows := 0
	for _, name := range regexp.MustCompile("`((?:[a-z/]+\\.)?(?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)[/a-z_]*`").FindAllStringSubmatch(string(text), -1) {
		rows++
		folder, function, named := strings.Cut(name[1], ".")
		if !named {
			folder, function = "e2e", name[1]
		}
		if _, read := functions[folder]; !read {
			functions[folder] = testSources(t, folder)
		}
		if !strings.Contains(functions[folder], "\nfunc "+function+"(") {
			t.Errorf("docs/security.md names %s, which is not in %s", function, folder)
		}
	}
	if rows < 80 {
		t.Errorf("only %d names of tests were found", rows)
	}
}

func testSources(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
