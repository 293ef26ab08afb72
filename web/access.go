package web

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"net/http"
	"strings"

	"freehold.dev/freehold/access"
)

// styleOfAccess is not an asset of the build, so that the page looks right even if the assets were not built.
//
//go:embed access.css
var styleOfAccess []byte

// table is a type on the page.
type table struct {
	Name    string
	Viewers []access.Viewer
	Rows    []row
}

// row is a field on the page.
type row struct {
	access.Field

	Cells []access.Answer // one for each viewer
}

// Anchor returns the row's id in the page.
func (r row) Anchor() string { return strings.ReplaceAll(r.String(), " ", "_") }

// words is a part of a paragraph.
type words struct {
	Text       string
	Emphasised bool
}

// accessPage returns the page of a matrix, in plain HTML without scripts.
func accessPage(matrix *access.Matrix) ([]byte, error) {
	shown := struct {
		Legend   [][]words
		Types    []table
		HeldOnce []row
	}{Legend: paragraphs(matrix.Legend())}
	for _, fields := range matrix.Types() {
		t := table{Name: fields[0].Type, Viewers: access.Columns(fields...)}
		for _, f := range fields {
			r := row{Field: f}
			for _, v := range t.Viewers {
				r.Cells = append(r.Cells, cmp.Or(f.Answers[v], access.NotApplicable))
			}
			if t.Rows = append(t.Rows, r); len(f.HeldOnce) > 0 {
				shown.HeldOnce = append(shown.HeldOnce, r)
			}
		}
		shown.Types = append(shown.Types, t)
	}
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, "access.html", shown); err != nil {
		return nil, fmt.Errorf("write the page of the access matrix: %w", err)
	}
	return text.Bytes(), nil
}

// paragraphs splits a text at its empty lines, and each paragraph at the asterisks around emphasised words.
func paragraphs(text string) (split [][]words) {
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var parts []words
		for i, part := range strings.Split(p, "*") {
			parts = append(parts, words{part, i%2 == 1})
		}
		split = append(split, parts)
	}
	return split
}

// serveAccessStyle serves the style sheet. Its name is fixed, so browsers must not cache it.
func serveAccessStyle(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", contentTypes[".css"])
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(styleOfAccess) //nolint:errcheck // the client may have left
}
