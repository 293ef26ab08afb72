package comments

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

// row is a row of app.comments.
type row struct {
	ID        uuid.UUID  `db:"id"`
	UserID    uuid.UUID  `db:"user_id"` // of the note
	AuthorID  *uuid.UUID `db:"author_id"`
	Relation  string     `db:"relation"`
	Body      string     `db:"body"`
	CreatedAt time.Time  `db:"created_at"`
}

// columns include the owner of the note, and the viewer's relation to it.
const columns = `id, (SELECT n.user_id FROM app.notes n WHERE n.id = note_id) AS user_id, author_id, body, created_at,
	COALESCE(app.note_relation(note_id), '') AS relation`

var list = db.NewList[row](db.Listing{Table: `app.comments`, Columns: columns, Parent: `note_id`, Related: `app.note_relation($6) IS NOT NULL`})

// place is the row's place in the list.
func (r *row) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *row) model() *model.Comment {
	c := &model.Comment{By: owned.By{ID: r.ID, Owner: r.UserID, Relation: r.Relation}, Body: r.Body, CreatedAt: r.CreatedAt}
	if r.AuthorID != nil {
		author := r.AuthorID.String()
		c.AuthorID = &author
	}
	return c
}

// changes are the columns that an author writes.
type changes struct {
	Body db.Patch[string] // never NULL
}

// find returns those of the rows with these ids that the viewer sees, in any order.
func find(ctx context.Context, tx *db.Tx, ids []uuid.UUID) (found []row, err error) {
	err = tx.Select(ctx, &found, `SELECT `+columns+` FROM app.comments WHERE id = ANY ($1)`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("find comments: %w", err)
	}
	return found, nil
}

// create comments a note and returns the comment; NOT_FOUND if the viewer has no relation to a note with this id.
func create(ctx context.Context, d *db.DB, viewer auth.Viewer, noteID uuid.UUID, c changes) (*row, error) {
	var created row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &created, `
			INSERT INTO app.comments (id, note_id, author_id, body)
			SELECT $1, n.id, $2, $4
			  FROM app.notes n
			 WHERE n.id = $3 AND app.note_relation(n.id) IS NOT NULL
			RETURNING `+columns,
			uuid.New(), viewer.UserID, noteID, c.Body.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("create a comment: %w", err)
	}
	return &created, nil
}

// remove deletes a comment; NOT_FOUND if the viewer edits no note with such a comment.
func remove(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID) error {
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `DELETE FROM app.comments WHERE id = $1 AND app.note_relation(note_id) IN ('OWNER', 'EDITOR')`, id)
	})
	if err != nil {
		return fmt.Errorf("delete a comment: %w", err)
	}
	return nil
}
