package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/fault"
)

// Private is what a user alone may know of his account and profile: the rows of the owner-only tables.
type Private struct {
	Email           string     `db:"email"`
	EmailVerifiedAt *time.Time `db:"email_verified_at"`
	Birthday        *time.Time `db:"birthday"`
	PhoneNumber     *string    `db:"phone_number"`
}

// FindPrivate returns the private part of a user; NOT_FOUND when the viewer is somebody else.
func (d *DB) FindPrivate(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*Private, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Private, error) { return tx.FindPrivate(ctx, userID) })
}

// FindPrivate is DB.FindPrivate inside a transaction.
func (t *Tx) FindPrivate(ctx context.Context, userID uuid.UUID) (*Private, error) {
	var p Private
	err := t.Get(ctx, &p, `
		SELECT u.email, u.email_verified_at, p.birthday, p.phone_number
		  FROM app.user_private u JOIN app.profile_private p ON p.user_id = u.user_id
		 WHERE u.user_id = $1`, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Gone()
	}
	if err != nil {
		return nil, fmt.Errorf("find private part of a user: %w", err)
	}
	return &p, nil
}
