package faults

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/security.md names only faults that exist, and the table of docs/reliability.md has a row for each.
func TestPagesNameTheFaults(t *testing.T) {
	t.Parallel()
	ids, names := map[string]bool{}, map[string]bool{}
	for _, f := range table() {
		ids[f.id], names[f.name] = true, true
	}
	if len(ids) != len(table()) {
		t.Error("two faults have one name")
	}
	security, measured := readPage(t, "security.md"), readPage(t, "reliability.md")
	for _, found := range regexp.MustCompile("`TestFaults/([a-z_]+)`").FindAllStringSubmatch(security, -1) {
		if !ids[found[1]] {
			t.Errorf("docs/security.md names the fault %s, which does not exist", found[1])
		}
	}
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| \d+ / \d+ \|`).FindAllStringSubmatch(measured, -1) {
		rows[row[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("docs/reliability.md does not have the faults (-want +got):\n%s", diff)
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
