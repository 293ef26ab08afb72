package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// Private has the values of an account and its profile that only their owner sees.
type Private struct {
	Email           string     `db:"email"` // "" for none
	EmailVerifiedAt *time.Time `db:"email_verified_at"`
	Birthday        *time.Time `db:"birthday"`
	PhoneNumber     *string    `db:"phone_number"`
}

// FindPrivate returns the private values of a user; NOT_FOUND if the viewer is another user.
func (d *DB) FindPrivate(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*Private, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Private, error) { return tx.FindPrivate(ctx, userID) })
}

// FindPrivate is DB.FindPrivate in a transaction.
func (t *Tx) FindPrivate(ctx context.Context, userID uuid.UUID) (*Private, error) {
	var p Private
	err := t.GetOne(ctx, &p, `
		SELECT COALESCE(u.email, '') AS email, u.email_verified_at, p.birthday, p.phone_number
		  FROM app.user_private u JOIN app.profile_private p ON p.user_id = u.user_id
		 WHERE u.user_id = $1`, userID)
	if err != nil {
		return nil, fmt.Errorf("find the private values of a user: %w", err)
	}
	return &p, nil
}

// FindOwn returns the viewer's profile and private values with one statement; NOT_FOUND if the viewer's account was deleted.
func (d *DB) FindOwn(ctx context.Context, viewer auth.Viewer) (*Profile, *Private, error) {
	var own struct {
		Profile
		Private
	}
	err := d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		return tx.GetOne(ctx, &own, `
		SELECT p.id, p.user_id, p.username, p.display_name, p.bio, p.avatar_url, p.website_url, p.location, p.visibility,
		       p.created_at, p.updated_at, COALESCE(u.email, '') AS email, u.email_verified_at, q.birthday, q.phone_number
		  FROM app.profiles p JOIN app.user_private u ON u.user_id = p.user_id JOIN app.profile_private q ON q.user_id = p.user_id
		 WHERE p.user_id = $1`, viewer.UserID)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find the viewer's own values: %w", err)
	}
	return &own.Profile, &own.Private, nil
}
