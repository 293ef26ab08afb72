// Package findings owns what the proof reports: faults, grouped by cause, missing seeds first. It must not know how they are
// found.
package findings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Finding is a fault of one request.
type Finding struct {
	What    string // the field and the fault, with the same words for every request that has it
	Where   string // the request
	Detail  string
	Type    string // the owned type that it is about; "" if it is about none
	Missing bool   // nothing could be requested, because a seed or a value is missing
}

func (f Finding) String() string { return strings.Join(notEmpty(f.What, f.Where, f.Detail), ": ") }

func notEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

// Unseeded is the error of something that could not be created or requested. It is the same for every person.
type Unseeded struct {
	Type string // "" if it is about no owned type
	What string
	Err  error // nil if What says everything
}

func (e *Unseeded) Error() string {
	if e.Err == nil {
		return e.What
	}
	return e.What + ": " + e.Err.Error()
}

func (e *Unseeded) Unwrap() error { return e.Err }

// Missing returns an Unseeded about a type.
func Missing(typ, format string, args ...any) error {
	return &Unseeded{Type: typ, What: fmt.Sprintf(format, args...)}
}

// All returns the findings for an error that prevented a request: one for each error that it joins.
func All(err error) (list []Finding) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			list = append(list, All(e)...)
		}
		return list
	}
	return []Finding{finding(err)}
}

func finding(err error) Finding {
	u, ok := errors.AsType[*Unseeded](err)
	if !ok {
		return Finding{What: err.Error(), Missing: true}
	}
	f := Finding{What: u.What, Type: u.Type, Missing: true}
	if u.Err != nil {
		f.Detail = u.Err.Error()
	}
	return f
}

// mostCauses is the number of causes that a test reports.
const mostCauses = 20

// Causes groups findings by fault, and describes each group once, with a count and an example. Missing seeds come first, and
// without the other findings about their types, which may follow from them. Then come the most frequent faults.
func Causes(findings []Finding) (lines []string) {
	unseeded := map[string]bool{} // types
	for _, f := range findings {
		unseeded[f.Type] = unseeded[f.Type] || f.Missing && f.Type != ""
	}
	groups := map[string][]Finding{}
	for _, f := range findings {
		if f.Missing || !unseeded[f.Type] {
			groups[f.What] = append(groups[f.What], f)
		}
	}
	var all [][]Finding
	for _, g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b []Finding) int {
		if a[0].Missing != b[0].Missing {
			return map[bool]int{true: -1, false: 1}[a[0].Missing]
		}
		return cmp.Or(len(b)-len(a), strings.Compare(a[0].What, b[0].What))
	})
	for _, g := range all {
		lines = append(lines, describe(g))
	}
	return lines
}

// report returns the causes that a test reports, and the number of the others.
func report(findings []Finding) []string {
	lines := Causes(findings)
	if n := len(lines) - mostCauses; n > 0 {
		return append(lines[:mostCauses], fmt.Sprintf("%d more causes are not listed: fix these first", n))
	}
	return lines
}

// describe describes the findings of one cause.
func describe(g []Finding) string {
	example := strings.Join(notEmpty(g[0].Where, g[0].Detail), ": ")
	switch {
	case example == "":
		return g[0].What
	case g[0].Where == "":
		return g[0].What + "\n\t" + example
	case len(g) == 1:
		return g[0].What + "\n\tin " + example
	default:
		return fmt.Sprintf("%s\n\tin %d requests, such as %s", g[0].What, len(g), example)
	}
}

// ExpectNone fails the test with the findings, each cause once.
func ExpectNone(t testing.TB, findings []Finding) {
	t.Helper()
	for _, line := range report(findings) {
		t.Error(line)
	}
}
