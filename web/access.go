package web

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"freehold.dev/freehold/access"
)

// table is a type on the page.
type table struct {
	Name    string
	Viewers []string
	Rows    []row
	ruled   int // rows with a rule of their own
}

// row is a field on the page.
type row struct {
	access.Field

	Cells []cell // one for each viewer
}

// cell is what a field returns to a viewer.
type cell struct {
	Viewer string
	Answer access.Answer
}

// Anchor returns the row's id in the page.
func (r row) Anchor() string { return strings.ReplaceAll(r.String(), " ", "_") }

// Reasons returns why the row is refused, with the plain names of viewers.
func (r row) Reasons() string {
	if len(r.HeldOnce) == 0 {
		return r.Why
	}
	return strings.NewReplacer(
		string(access.NobodyVisibleTo), plain(access.NobodyVisibleTo), string(access.MemberVisibleTo), plain(access.MemberVisibleTo),
		string(access.Nobody), plain(access.Nobody),
	).Replace(r.Why)
}

// isRuled reports whether most fields of a type have a rule of their own. The others inherit it, as in payloads and connections.
func (t table) isRuled() bool { return 2*t.ruled > len(t.Rows) }

// Summary counts the fields of a folded type.
func (t table) Summary() string {
	text := counted(len(t.Rows), "field")
	if t.ruled > 0 {
		text += fmt.Sprintf(", %d with a rule of its own", t.ruled)
	}
	return text
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// accessPage returns the page of a matrix. It is complete without scripts, except for its filter.
func accessPage(matrix *access.Matrix) ([]byte, error) {
	shown := struct {
		Legend        []meaning
		Ruled, Others []table // types with rules of their own, and the rest
		HeldOnce      []row
	}{Legend: legend(matrix)}
	for _, fields := range matrix.Types() {
		t := tableOf(fields)
		for _, r := range t.Rows {
			if len(r.HeldOnce) > 0 {
				shown.HeldOnce = append(shown.HeldOnce, r)
			}
		}
		if t.isRuled() {
			shown.Ruled = append(shown.Ruled, t)
		} else {
			shown.Others = append(shown.Others, t)
		}
	}
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, "access.html", shown); err != nil {
		return nil, fmt.Errorf("write the page of the access matrix: %w", err)
	}
	return text.Bytes(), nil
}

func tableOf(fields []access.Field) table {
	t := table{Name: fields[0].Type}
	viewers := access.Columns(fields...)
	for _, v := range viewers {
		t.Viewers = append(t.Viewers, plain(v))
	}
	for _, f := range fields {
		r := row{Field: f}
		for _, v := range viewers {
			r.Cells = append(r.Cells, cell{plain(v), cmp.Or(f.Answers[v], access.NotApplicable)})
		}
		if t.Rows = append(t.Rows, r); strings.HasPrefix(f.Rule, "@") && !strings.HasPrefix(f.Rule, "@inherited") {
			t.ruled++
		}
	}
	return t
}
