package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the matrix for a terminal.
func (m *Matrix) WriteText(w io.Writer) error {
	var rows strings.Builder
	columns := append([]string{"FIELD", "RULE"}, viewerNames()...)
	rows.WriteString(strings.Join(append(columns, "HELD BY", "WHY"), "\t") + "\n")
	for _, f := range m.Fields {
		cells := []string{f.String(), f.ruleInWords()}
		for _, v := range Viewers {
			cells = append(cells, string(f.Answers[v]))
		}
		rows.WriteString(strings.Join(append(cells, string(f.HeldBy), f.Why), "\t") + "\n")
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := io.WriteString(t, rows.String())
	if err := errors.Join(err, t.Flush()); err != nil {
		return fmt.Errorf("write the access matrix: %w", err)
	}
	return nil
}

// WriteJSON writes the matrix for programs; ReadJSON reads it.
func (m *Matrix) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return fmt.Errorf("write the access matrix: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(r io.Reader) (*Matrix, error) {
	m := &Matrix{}
	if err := json.NewDecoder(r).Decode(m); err != nil {
		return nil, fmt.Errorf("read an access matrix (as --format=json prints it): %w", err)
	}
	if len(m.Fields) == 0 {
		return nil, errors.New("read an access matrix: it has no fields")
	}
	return m, nil
}

// Legend explains the words of the matrix, in paragraphs. Words in *asterisks* are emphasised.
const Legend = `A viewer is described by their relation to the row of a field, or to the row that an argument names. *Nobody* is an anonymous
viewer, and a *member* is signed in. *Visible-to* viewers may see the row and do not own it. A viewer who may not see a row
never reaches it: queries return null and lists omit the row. The answer of the rule then matters only if a row policy fails.

*value* is the field's value. A code is null with an error of that code, and *null* is null without an error. *Held by* is
what refuses: the field rule, before the resolver runs; the row policy, in PostgreSQL; or each independently of the other.
The fields that lead to an *inherited* field decide about it.
`

const preface = "# Access\n\n" + `This page lists what each field returns to each kind of viewer. ` + "`freehold access --format=markdown`" + ` prints it from the
schema. A test fails if the page is stale. Other tests compare the running service with it, on every path to every field.

` + Legend

// WriteMarkdown writes the matrix as docs/access.md, a table for each type.
func (m *Matrix) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(preface)
	columns := append([]string{"field", "rule"}, viewerNames()...)
	columns = append(columns, "held by", "why")
	typ := ""
	for _, f := range m.Fields {
		if f.Type != typ {
			typ = f.Type
			fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", typ, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		}
		cells := []string{"`" + f.Name + "`", f.ruleInMarkdown()}
		for _, v := range Viewers {
			cells = append(cells, answerInMarkdown(f.Answers[v]))
		}
		cells = append(cells, string(f.HeldBy), f.Why)
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the access matrix: %w", err)
	}
	return nil
}

func viewerNames() (names []string) {
	for _, v := range Viewers {
		names = append(names, string(v))
	}
	return names
}

func (f Field) ruleInWords() string {
	if len(f.DecidedBy) == 0 {
		return f.Rule
	}
	return f.Rule + " from " + strings.Join(f.DecidedBy, ", ")
}

func (f Field) ruleInMarkdown() string {
	if f.Rule[0] != '@' {
		return f.Rule
	}
	text := "`" + f.Rule + "`"
	if len(f.DecidedBy) > 0 {
		text += " from " + strings.Join(f.DecidedBy, ", ")
	}
	return text
}

func answerInMarkdown(a Answer) string {
	if a == Value {
		return "**value**"
	}
	return string(a)
}
