package owned

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/db"
)

// Type is an owned type, declared once by the module that has it. Everything else about the type follows: @owner(of:), node,
// nodes, _entities, viewerCan, explanations, the access matrix, the row policies and their names, and the generated tests.
type Type struct {
	Name  string   // in GraphQL
	Model any      // a value of the Go struct of the type, such as &model.Note{}
	Table db.Table // the table of the rows

	// Rows finds rows by their ids, as the viewer of tx and without side effects: those that the viewer sees, in any order.
	Rows func(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]Row, error)

	// Keys are further keys by their names, such as username. The type may have them as @key.
	Keys map[string]Key

	// Fields are the fields whose values are in another table, by their names: what the owner alone may know about a row that
	// others see, and lists of rows that only the owner sees.
	Fields map[string]Part

	// Actions are the commands of mutations that are not called createNote, updateNote or deleteNote, such as addNote: "INSERT".
	// What a mutation does passes the row policy for its command. A mutation with @owner(of: the type) is an UPDATE if nothing
	// else is said.
	Actions map[string]string

	at string // where the type was declared
}

// Key is a further key of a type.
type Key struct {
	// Read normalises a key that a client sent; false for a text that no row can have as its key.
	Read func(text string) (key string, ok bool)
	// Of returns the normalised key of a row.
	Of func(Row) string
	// Rows finds rows by normalised keys, as Type.Rows does by ids.
	Rows func(ctx context.Context, tx *db.Tx, keys []string) ([]Row, error)
}

// Part is another table in which the value of a field is.
type Part struct {
	Table db.Table
	// Row is the column with the id of the row that the field belongs to. "" where the table has rows of the owner, whichever
	// row of the owner the field belongs to.
	Row string
}

// Declare returns the type, with the place of the call for messages about it.
func Declare(t Type) Type {
	if _, file, line, ok := runtime.Caller(1); ok {
		t.at = fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(file)), path.Base(file)), line)
	}
	return t
}

// Guard is a row policy that stands behind a field, and how it is tried for a row of the field's type.
type Guard struct {
	db.Policy

	column  string
	byOwner bool // the column has the owner's id, not the row's
}

// Ref names what the policy guards of a row.
func (g Guard) Ref(row Row) db.RowRef {
	if g.byOwner {
		return db.RowRef{Column: g.column, ID: row.OwnerID()}
	}
	return db.RowRef{Column: g.column, ID: row.RowID()}
}

// guard returns the policy of the type's own table for a command.
func (t *Type) guard(command string) (Guard, bool) {
	p, ok := t.Table.Policy(command)
	return Guard{Policy: p, column: cmp.Or(t.Table.Key, "id")}, ok
}

// guard returns the policy of the part's table for a command.
func (p Part) guard(command string) (Guard, bool) {
	policy, ok := p.Table.Policy(command)
	if p.Row != "" {
		return Guard{Policy: policy, column: p.Row}, ok
	}
	return Guard{Policy: policy, column: cmp.Or(p.Table.Owner, "user_id"), byOwner: true}, ok
}

// Guard returns the policy under which the type's rows are read.
func (t *Type) Guard() Guard {
	g, _ := t.guard("SELECT") // each table has one
	return g
}

// FieldGuard returns the policy under which a field of the type is read.
func (t *Type) FieldGuard(field string) Guard {
	if part, ok := t.Fields[field]; ok {
		g, _ := part.guard("SELECT")
		return g
	}
	return t.Guard()
}

// MutationGuards returns the policies behind a mutation with @owner(of: the type): those of the type's own table and, for an
// update, those of the tables that its fields are in.
func (t *Type) MutationGuards(mutation string) (guards []Guard) {
	command := t.command(mutation)
	if g, ok := t.guard(command); ok {
		guards = append(guards, g)
	}
	if command != "UPDATE" {
		return guards // a deleted row takes its parts along
	}
	seen := map[string]bool{}
	for _, field := range sortedKeys(t.Fields) {
		if g, ok := t.Fields[field].guard(command); ok && !seen[g.Name()] {
			seen[g.Name()] = true
			guards = append(guards, g)
		}
	}
	return guards
}

// CreationGuard returns the policy behind a mutation that makes rows of the type: createNote for Note, or an action INSERT.
func (t *Type) CreationGuard(mutation string) (Guard, bool) {
	if mutation != "create"+t.Name && t.Actions[mutation] != "INSERT" {
		return Guard{}, false
	}
	return t.guard("INSERT")
}

func (t *Type) command(mutation string) string {
	if command, ok := t.Actions[mutation]; ok {
		return command
	}
	if strings.HasPrefix(mutation, "delete") {
		return "DELETE"
	}
	return "UPDATE"
}

// isModelOf reports whether a row has the struct of the type.
func (t *Type) isModelOf(row Row) bool { return reflect.TypeOf(t.Model) == reflect.TypeOf(row) }

// tables returns the tables of the type, its own first.
func (t *Type) tables() []db.Table {
	list := []db.Table{t.Table}
	for _, field := range sortedKeys(t.Fields) {
		list = append(list, t.Fields[field].Table)
	}
	return list
}
