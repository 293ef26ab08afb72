package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// What follows is what users may know of their own account. All of it is nil if the viewer is somebody else.

// PendingEmail returns the address that a change of a user's e-mail waits for; nil if there is none.
func (s *Service) PendingEmail(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (email *string, err error) {
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		email, err = tx.FindPendingEmail(ctx, userID)
		return err
	})
	return email, err
}

// HasPassword reports whether a user has a password.
func (s *Service) HasPassword(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*bool, error) {
	return s.db.FindHasPassword(ctx, viewer, userID)
}

// ReauthenticatedUntil returns until when sensitive actions of the session that asks need no password; nil if they need it.
func (s *Service) ReauthenticatedUntil(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*time.Time, error) {
	return s.db.FindRecentUntil(ctx, viewer, userID, s.config.ReauthAfter)
}

// NextCodeAt returns from when on this client may request a code for a purpose without being RATE_LIMITED; nil if it may now.
// It counts nothing. A code for a new address is one for the address that a change waits for. While none does, the client
// alone is limited.
func (s *Service) NextCodeAt(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, purpose db.Purpose) (at *time.Time, err error) {
	if !s.config.RateLimit {
		return nil, nil //nolint:nilnil // documented
	}
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		limits := byClient(ctx, s.config.Limits.CodeRequest, "codeRequest")
		email, err := recipient(ctx, tx, userID, purpose)
		if err != nil {
			return err
		}
		if email != nil {
			to, _ := readEmail(*email)
			known, err := tx.IsKnownClient(ctx, to.key, client(ctx))
			if err != nil {
				return err
			}
			limits = append(limits, s.mails(ctx, mailOf[purpose], to.key, known)...)
		}
		at, err = tx.FindClosedUntil(ctx, userID, limits...)
		return err
	})
	return at, err
}

// mailOf is what the mails that bring a code are counted as.
var mailOf = map[db.Purpose]string{
	db.VerifyEmail: string(mail.VerifyEmail), db.ResetPassword: string(mail.ResetPassword), db.ChangeEmail: string(mail.ChangeEmail),
}

// recipient is the address of a user to which a code would be sent; nil if there is none that the viewer may know.
func recipient(ctx context.Context, tx *db.Tx, userID uuid.UUID, purpose db.Purpose) (*string, error) {
	if purpose == db.ChangeEmail {
		return tx.FindPendingEmail(ctx, userID)
	}
	private, err := tx.FindPrivate(ctx, userID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	return &private.Email, nil
}
