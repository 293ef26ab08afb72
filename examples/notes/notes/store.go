package notes

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
)

// row is a row of app.notes.
type row struct {
	ID        uuid.UUID  `db:"id"`
	UserID    uuid.UUID  `db:"user_id"`
	AuthorID  *uuid.UUID `db:"author_id"`
	Relation  string     `db:"relation"`
	Body      string     `db:"body"`
	Pinned    *bool      `db:"pinned"`
	CreatedAt time.Time  `db:"created_at"`
	UpdatedAt time.Time  `db:"updated_at"`
}

// columns include the viewer's relation to the note. It costs a call for the rows of others only.
const columns = `id, user_id, author_id, body, pinned, created_at, updated_at,
	CASE WHEN user_id = app.viewer_id() THEN 'OWNER' ELSE COALESCE(app.notebook_relation(notebook_id), '') END AS relation`

var list = db.NewList[row](db.Listing{
	Table: `app.notes`, Columns: columns, Parent: `notebook_id`, Related: `app.notebook_relation($6) IS NOT NULL`,
})

// place is the row's place in the list.
func (r *row) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *row) model() *model.Note {
	return &model.Note{
		By:        owned.By{ID: r.ID, Owner: r.UserID, Relation: r.Relation},
		AuthorID:  text(r.AuthorID),
		Body:      r.Body,
		Pinned:    r.Pinned,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func text(id *uuid.UUID) *string {
	if id == nil {
		return nil
	}
	text := id.String()
	return &text
}

// changes are the columns that editors write.
type changes struct {
	Body   db.Patch[string] // never NULL
	Pinned db.Patch[bool]
}

// find returns those of the rows with these ids that the viewer sees, in any order.
func find(ctx context.Context, tx *db.Tx, ids []uuid.UUID) (found []row, err error) {
	err = tx.Select(ctx, &found, `SELECT `+columns+` FROM app.notes WHERE id = ANY ($1)`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("find notes: %w", err)
	}
	return found, nil
}

// create writes a row in a notebook of which the viewer is an editor, and returns it; NOT_FOUND if there is none. The owner of the
// note is that of the notebook.
func create(ctx context.Context, d *db.DB, viewer auth.Viewer, notebookID uuid.UUID, c changes) (*row, error) {
	var created row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &created, `
			INSERT INTO app.notes (id, user_id, author_id, notebook_id, body, pinned)
			SELECT $1, b.user_id, $2, b.id, $4, $5
			  FROM app.notebooks b
			 WHERE b.id = $3 AND app.notebook_relation(b.id) IN ('OWNER', 'EDITOR')
			RETURNING `+columns,
			uuid.New(), viewer.UserID, notebookID, c.Body.Value, c.Pinned.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("create a note: %w", err)
	}
	return &created, nil
}

// update changes a row and returns it; NOT_FOUND if the viewer edits none with this id.
func update(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID, c changes) (*row, error) {
	var updated row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &updated, `
			UPDATE app.notes
			   SET body = CASE WHEN $2 THEN $3 ELSE body END,
			       pinned = CASE WHEN $4 THEN $5 ELSE pinned END,
			       updated_at = now()
			 WHERE id = $1 AND app.notebook_relation(notebook_id) IN ('OWNER', 'EDITOR')
			RETURNING `+columns,
			id, c.Body.Set, c.Body.Value, c.Pinned.Set, c.Pinned.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("update a note: %w", err)
	}
	return &updated, nil
}

// remove deletes a row; NOT_FOUND if the viewer edits none with this id.
func remove(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID) error {
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `DELETE FROM app.notes WHERE id = $1 AND app.notebook_relation(notebook_id) IN ('OWNER', 'EDITOR')`, id)
	})
	if err != nil {
		return fmt.Errorf("delete a note: %w", err)
	}
	return nil
}
