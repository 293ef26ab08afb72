package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
