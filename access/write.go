package access

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteText writes the matrix for a terminal.
func (m *Matrix) WriteText(w io.Writer) error {
	var rows strings.Builder
	viewers := Columns(m.Fields...)
	columns := append([]string{"FIELD", "RULE"}, names(viewers)...)
	rows.WriteString(strings.Join(append(columns, "HELD BY", "WHY"), "\t") + "\n")
	for _, f := range m.Fields {
		cells := []string{f.String(), f.ruleInWords()}
		for _, v := range viewers {
			cells = append(cells, string(cmp.Or(f.Answers[v], NotApplicable)))
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
func (m *Matrix) Legend() string {
	text := legend
	for _, part := range []struct {
		text  string
		about func(Field) bool
	}{
		{legendOfRelations, func(f Field) bool { return len(f.Relations) > 0 }},
		{legendOfOperators, func(f Field) bool { return len(f.Scopes) > 0 }},
		{legendOfConditions, func(f Field) bool { return f.When != "" }},
	} {
		if slices.ContainsFunc(m.Fields, part.about) {
			text += "\n" + part.text
		}
	}
	return text
}

const (
	legend = `A viewer is described by their relation to the row of a field, or to the row that an argument names. *Nobody* is an anonymous
viewer, and a *member* is signed in. *Visible-to* viewers may see the row and do not own it. A viewer who may not see a row
never reaches it: queries return null and lists omit the row. The answer of the rule then matters only if a row policy fails.

*value* is the field's value. A code is null with an error of that code, and *null* is null without an error. *Held by* is
what refuses: the field rule, before the resolver runs; the row policy, in PostgreSQL; or each independently of the other.
The fields that lead to an *inherited* field decide about it.
`
	legendOfRelations = `A name in capitals, such as EDITOR, is a relation that members can have to rows of a type. They see the row, whatever its visibility.
The table of a type has the relations of that type only. A dash means that the field belongs to a row of another type.
`
	legendOfOperators = `An *operator* is a member without a relation to the row who has the scopes that the rule names or, if it names none, those that the row
policies name. Without these scopes, they are a member like any other. A dash means that no scope has a meaning for the field.
`
	legendOfConditions = `A mutation *with* an argument is about calls that have this argument. The row above is about calls without it.
`
)

const preface = "# Access\n\n" + `This page lists what each field returns to each kind of viewer. ` + "`freehold access --format=markdown`" + ` prints it from the
schema. A test fails if the page is stale. Other tests compare the running service with it, on every path to every field.

`

// NotApplicable is in place of the answer to a viewer whom a field does not distinguish.
const NotApplicable Answer = "–"

// Types returns the fields of each type, in the order of the schema.
func (m *Matrix) Types() (types [][]Field) {
	for _, f := range m.Fields {
		if last := len(types) - 1; last >= 0 && types[last][0].Type == f.Type {
			types[last] = append(types[last], f)
		} else {
			types = append(types, []Field{f})
		}
	}
	return types
}

// WriteMarkdown writes the matrix as docs/access.md, a table for each type.
func (m *Matrix) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(preface + m.Legend())
	for _, fields := range m.Types() {
		viewers := Columns(fields...)
		columns := slices.Concat([]string{"field", "rule"}, names(viewers), []string{"held by", "why"})
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", fields[0].Type, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		for _, f := range fields {
			cells := []string{f.titleInMarkdown(), f.ruleInMarkdown()}
			for _, v := range viewers {
				cells = append(cells, answerInMarkdown(cmp.Or(f.Answers[v], NotApplicable)))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(append(cells, string(f.HeldBy), f.Why), " | "))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the access matrix: %w", err)
	}
	return nil
}

func names(viewers []Viewer) (list []string) {
	for _, v := range viewers {
		list = append(list, string(v))
	}
	return list
}

func (f Field) titleInMarkdown() string {
	title := "`" + f.Name + "`"
	if f.When != "" {
		title += " with `" + f.When + "`"
	}
	return title
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
