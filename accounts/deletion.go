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
// unavailable for a while. It returns the deleted profile. Nil means that the client sends no password. An account without one, and one
// with a second factor, require that the viewer has proved recently who they are; otherwise the error is REAUTH_REQUIRED.
func (s *Service) DeleteAccount(ctx context.Context, viewer auth.Viewer, password *string) (profile *db.Profile, err error) {
	seen, require, err := s.proveDeletion(ctx, viewer, password)
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
		if err := require(ctx, tx); err != nil {
			return err
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

// proveDeletion returns the hash of the password, and what else a deletion requires. An account with a password needs it.
func (s *Service) proveDeletion(ctx context.Context, viewer auth.Viewer, password *string) (seen string, require func(context.Context, *db.Tx) error, err error) {
	if password != nil && *password != "" {
		seen, err = s.RequirePassword(ctx, viewer, *password)
		return seen, s.requireSecondFactor, err
	}
	has, err := s.HasPassword(ctx, viewer, viewer.UserID)
	switch {
	case err != nil:
		return "", nil, err
	case has != nil && *has:
		return "", nil, fault.Input("input.password", "REQUIRED", "Enter your password.")
	}
	return "", s.RequireRecent, nil
}
