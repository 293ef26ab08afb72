package organisations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"

	"example.com/notes/graph/model"
)

// memberRow is a row of app.organisation_members.
type memberRow struct {
	ID        uuid.UUID `db:"id"`
	UserID    uuid.UUID `db:"user_id"`
	Role      string    `db:"role"`
	CreatedAt time.Time `db:"created_at"`
}

var memberList = db.NewList[memberRow](db.Listing{
	Table: `app.organisation_members`, Columns: `id, user_id, role, created_at`, Parent: `organisation_id`,
	Related: `app.organisation_relation($6) IS NOT NULL`,
})

func (r *memberRow) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *memberRow) model() *model.OrganisationMember {
	return &model.OrganisationMember{UserID: r.UserID.String(), Role: model.OrganisationRole(r.Role), Since: r.CreatedAt}
}

// setMember adds a user whom the viewer sees, or changes their role.
func setMember(ctx context.Context, tx *db.Tx, id, userID uuid.UUID, role string) error {
	err := tx.ExecOne(ctx, `
		INSERT INTO app.organisation_members (organisation_id, user_id, role)
		SELECT o.id, p.user_id, $3
		  FROM app.organisations o JOIN app.profiles p ON p.user_id = $2 AND p.user_id <> o.user_id
		 WHERE o.id = $1 AND app.organisation_relation(o.id) IN ('OWNER', 'ADMIN')
		    ON CONFLICT (user_id, organisation_id) DO UPDATE SET role = excluded.role`, id, userID, role)
	return strangers(err, "set a member of an organisation")
}

// removeMember removes a member.
func removeMember(ctx context.Context, tx *db.Tx, id, userID uuid.UUID) error {
	err := tx.ExecOne(ctx, `
		DELETE FROM app.organisation_members
		 WHERE organisation_id = $1 AND user_id = $2 AND app.organisation_relation($1) IN ('OWNER', 'ADMIN')`, id, userID)
	return strangers(err, "remove a member of an organisation")
}

// strangers turns the error of a statement that found no such user into one that names the field.
func strangers(err error, doing string) error {
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.Input("input.userId", "STRANGER", "This user is not found, or cannot be a member.")
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// leave ends the viewer's membership.
func leave(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
	var left bool
	if err := tx.Get(ctx, &left, `SELECT app.leave_organisation($1)`, id); err != nil {
		return fmt.Errorf("leave an organisation: %w", err)
	}
	if !left {
		return fault.Input("input.organisationId", "OWNER", "The owner cannot leave an organisation.")
	}
	return nil
}

// move makes an organisation of the viewer a part of another one, or of none if that is itself.
func move(ctx context.Context, tx *db.Tx, id, parentID uuid.UUID) error {
	err := tx.ExecOne(ctx, `UPDATE app.organisations SET parent_id = NULLIF($3, id), updated_at = now() WHERE id = $1 AND user_id = $2`, id, tx.Viewer.UserID, parentID)
	if e := (*pq.Error)(nil); errors.As(err, &e) && e.Code == pqerror.CheckViolation && e.Constraint == "organisations_cycle" {
		return fault.Input("input.organisationId", "CYCLE", "The organisation would be a part of itself.")
	}
	if err != nil {
		return fmt.Errorf("move an organisation: %w", err)
	}
	return nil
}

// findOne returns an organisation that the viewer sees; nil for none.
func findOne(ctx context.Context, tx *db.Tx, id uuid.UUID) (*model.Organisation, error) {
	found, err := find(ctx, tx, []uuid.UUID{id})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].model(), nil
}
