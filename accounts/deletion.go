package accounts

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
)

// DeleteAccount deletes the viewer's account with everything that refers to it, and sends a notice. Its username stays
// unavailable for a while. It returns the deleted profile.
func (s *Service) DeleteAccount(ctx context.Context, viewer auth.Viewer, password string) (profile *db.Profile, err error) {
	seen, err := s.requirePassword(ctx, viewer, password)
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
		if profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		if err := run(ctx, "before deletion", s.config.Hooks.BeforeDeletion, tx, profile); err != nil {
			return err
		}
		notice, ok, err := tx.DeleteAccount(ctx, seen, s.config.UsernameHold)
		switch {
		case err != nil:
			return err
		case !ok:
			return errPassword("input.password")
		}
		return s.enqueue(ctx, tx, noticeOf(mail.AccountDeleted, uuid.Nil, notice, withheld)) // without the account, or the mail would be deleted with it
	})
	return profile, err
}
