package scaffold

import (
	"slices"
	"strings"
)

// Package is the name of the Go package, of its folder, and of the module.
func (t Type) Package() string { return strings.ToLower(t.Plural) }

// Table is the name of the table in schema app.
func (t Type) Table() string { return snake(t.Plural) }

// GoName is the name of the generated struct.
func (t Type) GoName() string { return goName(t.Name) }

// GoPlural is the name of the resolver of the list.
func (t Type) GoPlural() string { return goName(t.Plural) }

// Var is the name with a small first letter, such as note in the payload of createNote.
func (t Type) Var() string { return lower(t.Name) }

// List is the field of User that lists the rows.
func (t Type) List() string { return lower(t.Plural) }

// ListConstant is List as the value of an enum: TODO_LISTS.
func (t Type) ListConstant() string { return strings.ToUpper(snake(t.Plural)) }

// Title is the name in a sentence: todo list.
func (t Type) Title() string { return strings.Join(words(t.Name), " ") }

// Article is the word before the title: a or an.
func (t Type) Article() string {
	if strings.ContainsAny(t.Name[:1], "AEIOU") {
		return "an"
	}
	return "a"
}

// Titles is the plural in a sentence.
func (t Type) Titles() string { return strings.Join(words(t.Plural), " ") }

// HasText reports whether a field is a text.
func (t Type) HasText() bool {
	return slices.ContainsFunc(t.Fields, func(f Field) bool { return f.GraphQL == "String" })
}

// HasRequiredTime reports whether a required field is a time.
func (t Type) HasRequiredTime() bool {
	return slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Required && f.Go == "time.Time" })
}

// HasRequired reports whether a field is required.
func (t Type) HasRequired() bool {
	return slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Required })
}

// Columns are the columns that owners write.
func (t Type) Columns() []string {
	columns := make([]string, 0, len(t.Fields)+1)
	for _, f := range t.Fields {
		columns = append(columns, f.Column())
	}
	if t.Visible {
		columns = append(columns, "visibility")
	}
	return columns
}

// Column is the name in SQL.
func (f Field) Column() string { return snake(f.Name) }

// Constant is the name as the value of an enum: DUE_ON.
func (f Field) Constant() string { return strings.ToUpper(snake(f.Name)) }

// GoName is the name in the generated struct.
func (f Field) GoName() string { return goName(f.Name) }

// Pointer is the Go type of a field that may be null.
func (f Field) Pointer() string {
	if f.Required {
		return f.Go
	}
	return "*" + f.Go
}

// Title is the name in a sentence: due on.
func (f Field) Title() string { return strings.Join(words(f.Name), " ") }

// Bang marks a required field in the schema.
func (f Field) Bang() string {
	if f.Required {
		return "!"
	}
	return ""
}

// NotNull is what the column of a required field has.
func (f Field) NotNull() string {
	if f.Required {
		return " NOT NULL"
	}
	return ""
}
