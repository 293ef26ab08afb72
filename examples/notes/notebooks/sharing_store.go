package notebooks

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/resolvers"

	"example.com/notes/graph/model"
)

// memberRow is a row of app.notebook_members.
type memberRow struct {
	ID        uuid.UUID `db:"id"`
	UserID    uuid.UUID `db:"user_id"`
	Role      string    `db:"role"`
	CreatedAt time.Time `db:"created_at"`
}

// invitationRow is a row of app.notebook_invitations, without the hash of its secret.
type invitationRow struct {
	ID        uuid.UUID `db:"id"`
	UserID    uuid.UUID `db:"user_id"`
	Role      string    `db:"role"`
	Email     *string   `db:"email"`
	CreatedAt time.Time `db:"created_at"`
	ExpiresAt time.Time `db:"expires_at"`
}

var (
	memberList = db.NewList[memberRow](db.Listing{
		Table: `app.notebook_members`, Columns: `id, user_id, role, created_at`, Parent: `notebook_id`,
		Related: `app.notebook_relation($6) IS NOT NULL`,
	})
	invitationList = db.NewList[invitationRow](db.Listing{
		Table: `app.notebook_invitations`, Columns: `id, user_id, role, email, created_at, expires_at`, Parent: `notebook_id`,
		Related: `app.notebook_relation($6) = 'OWNER'`,
	})
)

func (r *memberRow) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *memberRow) model() *model.NotebookMember {
	return &model.NotebookMember{UserID: r.UserID.String(), Role: model.NotebookRole(r.Role), Since: r.CreatedAt}
}

func (r *invitationRow) place() db.Place { return db.Place{CreatedAt: r.CreatedAt, ID: r.ID} }

func (r *invitationRow) model() *model.NotebookInvitation {
	return &model.NotebookInvitation{
		ID: r.ID.String(), InvitedBy: r.UserID.String(), Role: model.NotebookRole(r.Role), Email: r.Email, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
	}
}

// pageIn returns a page of a list of a notebook.
func pageIn[T any](ctx context.Context, d *db.DB, list *db.List[T], of *model.Notebook, first *int, after *string, last *int, before *string) (*db.Page[T], error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	return list.FindPageIn(ctx, d, auth.ViewerFrom(ctx), of.Owner, of.ID, r)
}

// findOne returns a notebook that the viewer sees; nil for none.
func findOne(ctx context.Context, tx *db.Tx, id uuid.UUID) (*model.Notebook, error) {
	found, err := find(ctx, tx, []uuid.UUID{id})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].model(), nil
}

// invitation is an invitation to create.
type invitation struct {
	id, notebookID  uuid.UUID
	role            string
	email, emailKey *string // nil for an invitation by link
	hash            []byte  // of its secret
	expiresAt       time.Time
}

func (i *invitation) create(ctx context.Context, tx *db.Tx) error {
	return ask(ctx, tx, "invite to a notebook", "input.email", `SELECT app.invite_to_notebook($1, $2, $3, $4, $5, $6, $7)`,
		i.id, i.notebookID, i.role, i.email, i.emailKey, i.hash, i.expiresAt)
}

// accept uses the invitation with the hash of a secret, and returns the id of its notebook.
func accept(ctx context.Context, tx *db.Tx, hash []byte) (uuid.UUID, error) {
	var found struct {
		Outcome    outcome       `db:"outcome"`
		NotebookID uuid.NullUUID `db:"notebook_id"`
	}
	if err := tx.Get(ctx, &found, `SELECT outcome, notebook_id FROM app.accept_invitation($1)`, hash); err != nil {
		return uuid.UUID{}, fmt.Errorf("accept an invitation: %w", err)
	}
	return found.NotebookID.UUID, found.Outcome.fault("input.code")
}

func revoke(ctx context.Context, tx *db.Tx, notebookID, id uuid.UUID) error {
	return ask(ctx, tx, "revoke an invitation", "input.invitationId", `SELECT app.revoke_invitation($1, $2)`, notebookID, id)
}

func leave(ctx context.Context, tx *db.Tx, notebookID uuid.UUID) error {
	return ask(ctx, tx, "leave a notebook", "input.notebookId", `SELECT app.leave_notebook($1)`, notebookID)
}

func changeRole(ctx context.Context, tx *db.Tx, notebookID, userID uuid.UUID, role string) error {
	return ask(ctx, tx, "change the role of a member", "input.userId", `SELECT app.change_member_role($1, $2, $3)`, notebookID, userID, role)
}

func removeMember(ctx context.Context, tx *db.Tx, notebookID, userID uuid.UUID) error {
	return ask(ctx, tx, "remove a member", "input.userId", `SELECT app.remove_member($1, $2)`, notebookID, userID)
}

func transfer(ctx context.Context, tx *db.Tx, notebookID, userID uuid.UUID) error {
	return ask(ctx, tx, "transfer a notebook", "input.userId", `SELECT app.transfer_notebook($1, $2)`, notebookID, userID)
}

// ask calls a function that returns an outcome, and returns its error at a path of the input.
func ask(ctx context.Context, tx *db.Tx, doing, path, query string, args ...any) error {
	var o outcome
	if err := tx.Get(ctx, &o, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return o.fault(path)
}
