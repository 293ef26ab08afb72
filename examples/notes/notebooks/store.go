package notebooks

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

// row is a row of app.notebooks.
type row struct {
	ID         uuid.UUID `db:"id"`
	UserID     uuid.UUID `db:"user_id"`
	Title      string    `db:"title"`
	Visibility string    `db:"visibility"`
	Relation   string    `db:"relation"`
	CreatedAt  time.Time `db:"created_at"`
	UpdatedAt  time.Time `db:"updated_at"`
}

// columns include the viewer's relation to the notebook. It costs a call for the rows of others only.
const columns = `id, user_id, title, visibility, created_at, updated_at,
	CASE WHEN user_id = app.viewer_id() THEN 'OWNER' ELSE COALESCE(app.notebook_relation(id), '') END AS relation`

var list = db.NewList[row](db.Listing{
	Table: `app.notebooks`, Columns: columns, Shared: `SELECT notebook_id FROM app.notebook_members WHERE user_id = app.viewer_id()`,
})

// place is the row's place in the list.
func (r *row) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *row) model() *model.Notebook {
	return &model.Notebook{
		ByVisibility: owned.ByVisibility{By: owned.By{ID: r.ID, Owner: r.UserID, Relation: r.Relation}, Visibility: owned.Visibility(r.Visibility)},
		Title:        r.Title,
		CreatedAt:    r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// changes are the columns that owners and editors write.
type changes struct {
	Title      db.Patch[string] // never NULL
	Visibility db.Patch[string] // never NULL
}

// find returns those of the rows with these ids that the viewer sees, in any order.
func find(ctx context.Context, tx *db.Tx, ids []uuid.UUID) (found []row, err error) {
	err = tx.Select(ctx, &found, `SELECT `+columns+` FROM app.notebooks WHERE id = ANY ($1)`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("find notebooks: %w", err)
	}
	return found, nil
}

// Create writes a private notebook of the viewer in a transaction, and returns its id.
func Create(ctx context.Context, tx *db.Tx, title string) (uuid.UUID, error) {
	id := uuid.New()
	err := tx.ExecOne(ctx, `
		INSERT INTO app.notebooks (id, user_id, title, visibility)
		VALUES ($1, $2, $3, 'PRIVATE')`,
		id, tx.Viewer.UserID, title)
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("create a notebook: %w", err)
	}
	return id, nil
}

// create writes a row of the viewer and returns it.
func create(ctx context.Context, d *db.DB, viewer auth.Viewer, c changes) (*row, error) {
	var created row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &created, `
			INSERT INTO app.notebooks (id, user_id, title, visibility)
			VALUES ($1, $2, $3, $4)
			RETURNING `+columns,
			uuid.New(), viewer.UserID, c.Title.Value, c.Visibility.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("create a notebook: %w", err)
	}
	return &created, nil
}

// update changes a row that the viewer may edit and returns it; NOT_FOUND if there is none with this id.
func update(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID, c changes) (*row, error) {
	var updated row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &updated, `
			UPDATE app.notebooks
			   SET title = CASE WHEN $2 THEN $3 ELSE title END,
			       visibility = CASE WHEN $4 THEN $5 ELSE visibility END,
			       updated_at = now()
			 WHERE id = $1 AND (user_id = app.viewer_id() OR NOT $4 AND app.notebook_relation(id) = 'EDITOR')
			RETURNING `+columns,
			id, c.Title.Set, c.Title.Value, c.Visibility.Set, c.Visibility.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("update a notebook: %w", err)
	}
	return &updated, nil
}

// remove deletes a row of the viewer; NOT_FOUND if the viewer owns none with this id.
func remove(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID) error {
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `DELETE FROM app.notebooks WHERE id = $1 AND user_id = $2`, id, viewer.UserID)
	})
	if err != nil {
		return fmt.Errorf("delete a notebook: %w", err)
	}
	return nil
}
