package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// finding is a fault of one request.
type finding struct {
	what    string // the field and the fault, with the same words for every request that has it
	where   string // the request
	detail  string
	missing bool // nothing could be requested, because a seed or a value is missing
}

func (f finding) String() string { return strings.Join(notEmpty(f.what, f.where, f.detail), ": ") }

func notEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

// unseeded is the error of something that could not be created or requested. It is the same for every person.
type unseeded struct {
	what string
	err  error
}

func (e *unseeded) Error() string { return e.what + ": " + e.err.Error() }

func (e *unseeded) Unwrap() error { return e.err }

// newFinding returns the finding for an error that prevented a request.
func newFinding(err error) finding {
	if u, ok := errors.AsType[*unseeded](err); ok {
		return finding{what: u.what, detail: u.err.Error(), missing: true}
	}
	return finding{what: err.Error(), missing: true}
}

// causes groups findings by fault, and describes each group once, with a count and an example. Missing seeds come first,
// because other findings may follow from them, and then the most frequent faults.
func causes(findings []finding) (lines []string) {
	groups := map[string][]finding{}
	for _, f := range findings {
		groups[f.what] = append(groups[f.what], f)
	}
	var all [][]finding
	for _, g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b []finding) int {
		if a[0].missing != b[0].missing {
			return map[bool]int{true: -1, false: 1}[a[0].missing]
		}
		return cmp.Or(len(b)-len(a), strings.Compare(a[0].what, b[0].what))
	})
	for _, g := range all {
		line := g[0].what
		if example := strings.Join(notEmpty(g[0].where, g[0].detail), ": "); example != "" && len(g) == 1 {
			line += "\n\tin " + example
		} else if example != "" {
			line += fmt.Sprintf("\n\tin %d requests, such as %s", len(g), example)
		}
		lines = append(lines, line)
	}
	return lines
}

// expectNone fails the test with the findings, each cause once.
func expectNone(t *testing.T, findings []finding) {
	t.Helper()
	for _, line := range causes(findings) {
		t.Error(line)
	}
}

// A missing seed is reported first, even if many findings follow from it. Each cause is reported once.
func TestFindingsAreGroupedByCause(t *testing.T) {
	t.Parallel()
	var findings []finding
	for i := range 2000 {
		request := fmt.Sprint("request ", i)
		findings = append(findings, finding{what: "Bookmark.url has no positive twin", where: request})
		if i%2 == 0 {
			findings = append(findings, finding{what: "Bookmark.note is null", where: request, detail: "{}"})
		}
	}
	missing := newFinding(fmt.Errorf("cast: %w", &unseeded{"make a Bookmark by createBookmark", errors.New("BAD_USER_INPUT")}))
	missing.where = "request 7"
	findings = append(findings, missing, finding{what: "Bookmark.id is exempt, but has cases"})
	want := []string{
		"make a Bookmark by createBookmark\n\tin request 7: BAD_USER_INPUT",
		"Bookmark.url has no positive twin\n\tin 2000 requests, such as request 0",
		"Bookmark.note is null\n\tin 1000 requests, such as request 0: {}",
		"Bookmark.id is exempt, but has cases",
	}
	if got := causes(findings); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
