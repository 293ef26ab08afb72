// Package notes owns notes: each is in a notebook. Who is related to the notebook sees them, and its editors write them.
package notes

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
	"example.com/notes/notebooks"
)

//go:embed migrations
var files embed.FS

// Module returns the module of notes.
func Module() app.Module {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return app.Module{
		Name: "notes", Migrations: migrations, Types: []owned.Type{noteType},
		Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{welcome}},
	}
}

// welcome writes the first notebook of a new account, with a note in it. If it fails, there is no account.
func welcome(ctx context.Context, tx *db.Tx, profile *db.Profile) error {
	notebookID, err := notebooks.Create(ctx, tx, "First steps")
	if err != nil {
		return err
	}
	err = tx.ExecOne(ctx, `
		INSERT INTO app.notes (id, user_id, author_id, notebook_id, body, pinned)
		VALUES ($1, $2, $2, $3, $4, true)`,
		uuid.New(), tx.Viewer.UserID, notebookID, "Welcome, "+profile.Username+"!")
	if err != nil {
		return fmt.Errorf("write the welcome note: %w", err)
	}
	return nil
}

var noteType = owned.Declare(owned.Type{
	Name: "Note", Model: &model.Note{},
	Table: db.Table{
		Name: "notes", Admits: db.AdmitsRelated, Insert: true, Delete: true,
		Update:   []string{"body", "pinned", "updated_at"},
		Relation: "app.notebook_relation(notebook_id)", Relations: notebooks.Relations,
		As: map[string]string{"INSERT": notebooks.Editor, "UPDATE": notebooks.Editor, "DELETE": notebooks.Editor},
	},
	Rows: func(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
		found, err := find(ctx, tx, ids)
		rows := make([]owned.Row, len(found))
		for i := range found {
			rows[i] = found[i].model()
		}
		return rows, err
	},
})
