package organisations

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

// row is a row of app.organisations.
type row struct {
	ID        uuid.UUID  `db:"id"`
	UserID    uuid.UUID  `db:"user_id"`
	ParentID  *uuid.UUID `db:"parent_id"`
	Name      string     `db:"name"`
	Relation  string     `db:"relation"`
	CreatedAt time.Time  `db:"created_at"`
	UpdatedAt time.Time  `db:"updated_at"`
}

// columns include the viewer's relation to the organisation. It costs a call for the rows of others only.
const columns = `id, user_id, parent_id, name, created_at, updated_at,
	CASE WHEN user_id = app.viewer_id() THEN 'OWNER' ELSE COALESCE(app.organisation_relation(id), '') END AS relation`

var list = db.NewList[row](db.Listing{
	Table: `app.organisations`, Columns: columns, OwnerOnly: true,
	Shared: `SELECT organisation_id FROM app.organisation_members WHERE user_id = app.viewer_id()`,
})

// place is the row's place in the list.
func (r *row) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *row) model() *model.Organisation {
	o := &model.Organisation{
		By: owned.By{ID: r.ID, Owner: r.UserID, Relation: r.Relation}, Name: r.Name, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.ParentID != nil {
		parent := r.ParentID.String()
		o.ParentID = &parent
	}
	return o
}

// changes are the columns that an owner writes.
type changes struct {
	Name db.Patch[string] // never NULL
}

// find returns those of the rows with these ids that the viewer sees, in any order.
func find(ctx context.Context, tx *db.Tx, ids []uuid.UUID) (found []row, err error) {
	err = tx.Select(ctx, &found, `SELECT `+columns+` FROM app.organisations WHERE id = ANY ($1)`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("find organisations: %w", err)
	}
	return found, nil
}

// create writes a row of the viewer and returns it.
func create(ctx context.Context, d *db.DB, viewer auth.Viewer, c changes) (*row, error) {
	var created row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &created, `
			INSERT INTO app.organisations (id, user_id, name)
			VALUES ($1, $2, $3)
			RETURNING `+columns,
			uuid.New(), viewer.UserID, c.Name.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("create an organisation: %w", err)
	}
	return &created, nil
}

// update changes an organisation and returns it; NOT_FOUND if the viewer is an admin of none with this id.
func update(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID, c changes) (*row, error) {
	var updated row
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.GetOne(ctx, &updated, `
			UPDATE app.organisations
			   SET name = CASE WHEN $2 THEN $3 ELSE name END,
			       updated_at = now()
			 WHERE id = $1 AND app.organisation_relation(id) IN ('OWNER', 'ADMIN')
			RETURNING `+columns,
			id, c.Name.Set, c.Name.Value)
	})
	if err != nil {
		return nil, fmt.Errorf("update an organisation: %w", err)
	}
	return &updated, nil
}

// remove deletes an organisation; NOT_FOUND if the viewer neither owns one with this id nor moderates all.
func remove(ctx context.Context, d *db.DB, viewer auth.Viewer, id uuid.UUID) error {
	err := d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `
			DELETE FROM app.organisations
			 WHERE id = $1 AND (user_id = $2 OR app.has_scope('organisations:moderate'))`, id, viewer.UserID)
	})
	if err != nil {
		return fmt.Errorf("delete an organisation: %w", err)
	}
	return nil
}
