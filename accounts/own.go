package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// UsernameAvailable reports whether a sign-up can have a username now.
func (s *Service) UsernameAvailable(ctx context.Context, username string) (bool, error) {
	_, key, flaw := s.config.Reserved.ReadNewUsername(username)
	if !flaw.IsZero() {
		return false, nil
	}
	_, taken, err := s.db.FindTaken(ctx, "", key)
	return err == nil && !taken, err
}

// The following methods return what only the owner of an account may know. They return nil for other viewers.

// PendingEmail returns the new address of an email change that is not confirmed yet; nil if there is none.
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

// ReauthenticatedUntil returns until when the current session can take sensitive actions without the password; nil if it cannot.
func (s *Service) ReauthenticatedUntil(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*time.Time, error) {
	return s.db.FindReauthenticatedUntil(ctx, viewer, userID, s.config.Reauthentication.After)
}

// NextCodeAt returns when this client can request a code for a purpose again without RATE_LIMITED; nil means now. It counts
// nothing. For an email change, it considers the pending address. If there is none, it considers only the limit of the client.
func (s *Service) NextCodeAt(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, purpose db.Purpose) (at *time.Time, err error) {
	if !s.limits.On() {
		return nil, nil //nolint:nilnil // documented
	}
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		email, err := recipient(ctx, tx, userID, purpose)
		if err != nil {
			return err
		}
		key := ""
		if email != nil {
			to, _ := input.ReadEmail(*email)
			key = to.Key
		}
		buckets, err := s.limits.NextCodeBuckets(ctx, tx, mailOf[purpose], key)
		if err != nil {
			return err
		}
		at, err = tx.FindRateLimitedUntil(ctx, userID, buckets...)
		return err
	})
	return at, err
}

// mailOf has the kinds of the mails that contain a code for a purpose.
var mailOf = map[db.Purpose]mail.Kind{
	db.VerifyEmail: mail.VerifyEmail, db.ResetPassword: mail.ResetPassword, db.ChangeEmail: mail.ChangeEmail, db.SignIn: mail.SignInCode,
}

// recipient returns the address of a user to which a code would be sent; nil if there is none that the viewer may know.
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
	if private.Email == "" {
		return nil, nil //nolint:nilnil // documented
	}
	return &private.Email, nil
}
