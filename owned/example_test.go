package owned_test

import (
	"context"
	"fmt"
	"log"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"
)

// Note is the Go struct of a type of the schema. Embedding owned.By gives it an id and an owner.
type Note struct {
	owned.By
	Body string
}

// findNotes names no owner: the row policy of the table hides the rows of others.
func findNotes(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	var found []struct {
		ID     uuid.UUID `db:"id"`
		UserID uuid.UUID `db:"user_id"`
		Body   string    `db:"body"`
	}
	err := tx.Select(ctx, &found, `SELECT id, user_id, body FROM app.notes WHERE id = ANY ($1)`, pq.Array(ids))
	rows := make([]owned.Row, len(found))
	for i, f := range found {
		rows[i] = &Note{By: owned.By{ID: f.ID, Owner: f.UserID}, Body: f.Body}
	}
	return rows, err
}

// A type is declared once. The rules of its fields, its row policies and its explanations follow from the declaration.
func ExampleDeclare() {
	note := owned.Declare(owned.Type{
		Name: "Note", Model: &Note{}, Rows: findNotes,
		Table: db.Table{Name: "notes", Insert: true, Update: []string{"body"}, Delete: true},
	})
	registry, err := owned.NewRegistry(note)
	if err != nil {
		log.Fatal(err)
	}
	t := registry.Lookup("Note")
	fmt.Println("reads: ", t.Guard().Name())
	fmt.Println("writes:", t.MutationGuards("updateNote")[0].Name(), t.MutationGuards("deleteNote")[0].Name())
	// Output:
	// reads:  notes_select
	// writes: notes_update notes_delete
}

// The error of an invalid declaration names its file and line, and how to fix it.
func ExampleDeclare_invalid() {
	_, err := owned.NewRegistry(owned.Declare(owned.Type{Name: "Note", Model: &Note{}, Rows: findNotes}))
	fmt.Println(err)
	// Output: owned/example_test.go:56: owned type Note: Table is missing: describe the table of the rows
}
