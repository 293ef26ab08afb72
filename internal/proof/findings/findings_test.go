package findings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A missing seed is reported first, and without the many findings about its type that may follow from it. Each cause is reported
// once, and the report ends after twenty.
func TestFindingsAreGroupedByCause(t *testing.T) {
	t.Parallel()
	var findings []Finding
	for i := range 2000 {
		request := fmt.Sprint("request ", i)
		findings = append(findings, Finding{What: "Bookmark.url has no positive twin", Where: request, Type: "Bookmark"}, Finding{What: "Note.url is null", Where: request, Type: "Note"})
		if i%2 == 0 {
			findings = append(findings, Finding{What: "Bookmark.note is null", Where: request, Detail: "{}"})
		}
	}
	for _, f := range All(fmt.Errorf("cast: %w", errors.Join(&Unseeded{Type: "Note", What: "createNote creates no Note", Err: errors.New("BAD_USER_INPUT")}))) {
		f.Where = "request 7"
		findings = append(findings, f)
	}
	findings = append(findings, Finding{What: "Bookmark.id is exempt, but has cases"})
	want := []string{
		"createNote creates no Note\n\tin request 7: BAD_USER_INPUT",
		"Bookmark.url has no positive twin\n\tin 2000 requests, such as request 0",
		"Bookmark.note is null\n\tin 1000 requests, such as request 0: {}",
		"Bookmark.id is exempt, but has cases",
	}
	if got := Causes(findings); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 30 {
		findings = append(findings, Finding{What: fmt.Sprint("cause ", i)})
	}
	if got := report(findings); len(got) != mostCauses+1 || !strings.HasPrefix(got[mostCauses], "14 more causes") {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
}

// Each error that another one joins is a finding.
func TestEachJoinedErrorIsAFinding(t *testing.T) {
	t.Parallel()
	got := All(errors.Join(Missing("Note", "no %s", "note"), errors.Join(errors.New("timeout"))))
	want := []Finding{{What: "no note", Type: "Note", Missing: true}, {What: "timeout", Missing: true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
