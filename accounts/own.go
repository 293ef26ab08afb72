package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// These functions return what users may know of their own account. All return nil if the viewer is another user.

// PendingEmail returns the new address of a change of e-mail that is not confirmed yet; nil if there is none.
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

// ReauthenticatedUntil returns until when the session that asks may take sensitive actions without the password; nil if it may
// not.
func (s *Service) ReauthenticatedUntil(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*time.Time, error) {
	return s.db.FindReauthenticatedUntil(ctx, viewer, userID, s.config.ReauthAfter)
}

// NextCodeAt returns when this client may request a code for a purpose again without being RATE_LIMITED; nil if it may now.
// It counts nothing. For a change of e-mail, it is about the pending address. If there is none, only the limit of the client
// holds.
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
		at, err = tx.FindRateLimitedUntil(ctx, userID, limits...)
		return err
	})
	return at, err
}

// mailOf has the names under which mails with a code are counted.
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
