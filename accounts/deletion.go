package accounts

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// DeleteAccount deletes the viewer's account with everything that refers to it, and sends a notice. Its username stays
// unavailable for a while. It returns the deleted profile. An account without a password needs none, but the error is then
// REAUTH_REQUIRED unless the viewer has proved recently who they are.
func (s *Service) DeleteAccount(ctx context.Context, viewer auth.Viewer, password *string) (profile *db.Profile, err error) {
	seen, err := s.requirePasswordIfAny(ctx, viewer, password)
	if err != nil {
		return nil, fmt.Errorf("delete account: %w", err)
	}
	private, err := s.db.FindPrivate(ctx, viewer, viewer.UserID)
	if err != nil {
		return nil, fmt.Errorf("delete account: %w", err)
	}
	if err := s.checkLeave(ctx, private); err != nil {
		return nil, err
	}
	withheld, err := s.withholdsNotice(ctx, mail.AccountDeleted, private)
	if err != nil {
		return nil, fmt.Errorf("delete account: %w", err)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if seen == "" {
			if err := s.RequireRecent(ctx, tx); err != nil {
				return err
			}
		}
		deleted, notice, err := s.deleteOwn(ctx, tx, seen)
		if err != nil {
			return err
		}
		profile = deleted
		return s.Codes.Enqueue(ctx, tx, noticeOf(mail.AccountDeleted, uuid.Nil, notice, withheld)) // without the account, or the mail would be deleted with it
	})
	return profile, err
}

// requirePasswordIfAny is requirePassword. For an account without a password, it returns "".
func (s *Service) requirePasswordIfAny(ctx context.Context, viewer auth.Viewer, password *string) (seenHash string, err error) {
	if password != nil {
		return s.requirePassword(ctx, viewer, *password)
	}
	has, err := s.db.FindHasPassword(ctx, viewer, viewer.UserID)
	if err == nil && has != nil && *has {
		err = fault.Input("input.password", "REQUIRED", "Enter the password of your account.")
	}
	return "", err
}

// deleteOwn deletes the viewer's account, after the hooks, if seen is the hash of its password.
func (s *Service) deleteOwn(ctx context.Context, tx *db.Tx, seen string) (*db.Profile, db.Notice, error) {
	profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
	if err != nil {
		return nil, db.Notice{}, err
	}
	if err := run(ctx, "before deletion", s.config.Hooks.BeforeDeletion, tx, profile); err != nil {
		return nil, db.Notice{}, err
	}
	notice, ok, err := tx.DeleteAccount(ctx, seen, s.config.UsernameHold)
	if err == nil && !ok {
		err = errPassword("input.password")
	}
	return profile, notice, err
}

// DeleteIdle deletes the viewer's account, which has no password and no address, after the hooks.
func (s *Service) DeleteIdle(ctx context.Context, tx *db.Tx) error {
	_, _, err := s.deleteOwn(ctx, tx, "")
	return err
}
