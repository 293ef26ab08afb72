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

// Type is an owned type. Its module declares it once. The declaration determines everything else: @owner(of:), node, nodes, _entities,
// viewerCan, explanations, the access matrix, the names of the row policies, and the generated tests.
type Type struct {
	Name  string   // in GraphQL
	Model any      // a value of the Go struct of the type, such as &model.Note{}
	Table db.Table // the table of the rows

	// Remote says that another subgraph has the rows, and this one only adds fields to them. Then the type has no Table, and Rows
	// returns a row for each id, without a query. Everyone sees the row, since it says nothing but its id.
	Remote bool

	// Rows returns the rows with these ids that the viewer of tx sees, in any order. It has no side effects.
	Rows func(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]Row, error)

	// Keys has further keys by their names, such as username. The type may have them as @key.
	Keys map[string]Key

	// Fields has the fields whose values are in another table, by their names: private values of a row that others see, and lists
	// of rows that only the owner sees.
	Fields map[string]Part

	// Actions has the commands of mutations whose names are not createNote, updateNote or deleteNote, such as addNote: "INSERT".
	// The row policy for the command applies to the mutation. The default for a mutation with @owner(of: the type) is UPDATE.
	Actions map[string]string

	at string // the place of the declaration
}

// Key is a further key of a type.
type Key struct {
	// Read normalises a key that a client sent; false for a text that cannot be a key.
	Read func(text string) (key string, ok bool)
	// Of returns the normalised key of a row.
	Of func(Row) string
	// Rows is Type.Rows for normalised keys.
	Rows func(ctx context.Context, tx *db.Tx, keys []string) ([]Row, error)
}

// Part is the other table that has the value of a field.
type Part struct {
	Table db.Table
	// Row is the column with the id of the row that the field belongs to. It is "" if the table's rows belong to the owner rather
	// than to a particular row of the type.
	Row string
}

// Declare returns the type with the place of the call, for error messages.
func Declare(t Type) Type {
	if _, file, line, ok := runtime.Caller(1); ok {
		t.at = fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(file)), path.Base(file)), line)
	}
	return t
}

// Guard is a row policy behind a field, with the column that leads from a row of the field's type to the rows of the policy.
type Guard struct {
	db.Policy

	column  string
	byOwner bool // whether the column has the id of the owner rather than of the row
}

// Ref returns the reference to the rows that the policy guards for a row.
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

// ListGuard returns the policy under which a row of another type lists rows of the type: those that belong to the row, if they have
// their relations from it, or else those of its owner.
func (t *Type) ListGuard(of *Type) Guard {
	function, argument, _ := strings.Cut(t.Table.Relation, "(")
	parents, _, _ := strings.Cut(of.Table.Relation, "(")
	switch column := strings.TrimSuffix(argument, ")"); {
	case function != "" && function == parents && column != cmp.Or(t.Table.Key, "id"):
		g, _ := Part{Table: t.Table, Row: column}.guard("SELECT")
		return g
	case t.Table.OfParent:
		return t.Guard()
	}
	g, _ := Part{Table: t.Table}.guard("SELECT")
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

// MutationGuards returns the policies behind a mutation with @owner(of: the type): that of the type's own table and, for an UPDATE,
// those of the tables of its fields.
func (t *Type) MutationGuards(mutation string) (guards []Guard) {
	command := t.command(mutation)
	if g, ok := t.guard(command); ok {
		guards = append(guards, g)
	}
	if command != "UPDATE" {
		return guards // deleting a row also deletes its parts
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

// CreationGuard returns the policy behind a mutation that creates rows of the type: createNote for Note, or an action INSERT.
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

// Relations returns the relations that viewers can have to rows of the type besides to own them, strongest first.
func (t *Type) Relations() []string { return t.Table.Relations }

// isModelOf reports whether a row has the struct of the type.
func (t *Type) isModelOf(row Row) bool { return reflect.TypeOf(t.Model) == reflect.TypeOf(row) }

// tables returns the tables of the type, its own first.
func (t *Type) tables() []db.Table {
	var list []db.Table
	if !t.Remote {
		list = append(list, t.Table)
	}
	for _, field := range sortedKeys(t.Fields) {
		list = append(list, t.Fields[field].Table)
	}
	return list
}
