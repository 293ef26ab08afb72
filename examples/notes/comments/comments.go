// Package comments owns comments on notes. They have no owner of their own: everything follows from the note.
package comments

import (
	"context"
	"embed"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
	"example.com/notes/notebooks"
)

//go:embed migrations
var files embed.FS

// Module returns the module of comments.
func Module() app.Module {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return app.Module{Name: "comments", Migrations: migrations, Types: []owned.Type{commentType}}
}

var commentType = owned.Declare(owned.Type{
	Name: "Comment", Model: &model.Comment{},
	Table: db.Table{
		Name: "comments", OfParent: true, Admits: db.AdmitsRelated, Insert: true, Delete: true,
		Relation: "app.note_relation(note_id)", Relations: notebooks.Relations,
		As: map[string]string{"INSERT": notebooks.Member, "DELETE": notebooks.Editor},
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
