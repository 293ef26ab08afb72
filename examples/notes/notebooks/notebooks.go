// Package notebooks owns notebooks: their visibility decides who sees them, and only their owners change them.
package notebooks

import (
	"context"
	"embed"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
)

//go:embed migrations
var files embed.FS

// Module returns the module of notebooks.
func Module() app.Module {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return app.Module{Name: "notebooks", Migrations: migrations, Types: []owned.Type{notebookType}}
}

var notebookType = owned.Declare(owned.Type{
	Name: "Notebook", Model: &model.Notebook{},
	Table: db.Table{
		Name: "notebooks", Admits: db.AdmitsVisible, Insert: true, Delete: true,
		Update: []string{"title", "visibility", "updated_at"},
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
