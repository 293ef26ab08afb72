package accounts

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// RenameCredential renames a credential of the viewer; NOT_FOUND if it belongs to another user.
func (s *Service) RenameCredential(ctx context.Context, viewer auth.Viewer, id uuid.UUID, name string) (c *db.Credential, err error) {
	name, flaw := input.ReadCredentialName(name)
	if !flaw.IsZero() {
		return nil, flaw.At("input.name")
	}
	if err := s.limits.CheckWrite(ctx, viewer.UserID); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		c, err = tx.RenameCredential(ctx, id, name)
		return err
	})
	return c, err
}

// RemoveCredential removes a credential of the viewer, revokes their other sessions that were started with it, sends a notice, and
// returns the viewer's profile. The error is REAUTH_REQUIRED if the viewer has proved too long ago who they are, NOT_FOUND if the
// credential belongs to another user, and BAD_USER_INPUT if it is the last one with which the viewer can sign in.
func (s *Service) RemoveCredential(ctx context.Context, viewer auth.Viewer, id uuid.UUID) (profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.RequireRecent(ctx, tx); err != nil {
			return err
		}
		removed, err := tx.RemoveCredential(ctx, id)
		if err != nil {
			return err
		}
		if profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		return s.NotifyCredential(ctx, tx, mail.CredentialRemoved, removed.Kind)
	})
	return profile, err
}

// NotifyCredential sends a notice about a credential of the viewer that was added or removed. An account without an address gets none.
// The notice says only of which kind the credential is, since somebody else may have chosen its name.
func (s *Service) NotifyCredential(ctx context.Context, tx *db.Tx, kind mail.Kind, credential db.CredentialKind) error {
	private, err := tx.FindPrivate(ctx, tx.Viewer.UserID)
	if err != nil || private.Email == "" {
		return err
	}
	data := map[string]string{"username": "", "credential": words[credential]}
	withheld := false
	if private.EmailVerifiedAt == nil {
		to, _ := input.ReadEmail(private.Email)
		if withheld, err = s.limits.WithholdsNoticeIn(ctx, tx, kind, to.Key); err != nil {
			return fmt.Errorf("notify of a credential: %w", err)
		}
	} else {
		profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
		if err != nil {
			return err
		}
		data["username"] = profile.Username
	}
	return s.Codes.Enqueue(ctx, tx, outbox.Mail{Kind: kind, UserID: tx.Viewer.UserID, Recipient: private.Email, Data: data, Withheld: withheld})
}

// words are the kinds of credentials in a sentence.
var words = map[db.CredentialKind]string{
	db.CredentialPassword: "a password", db.CredentialEmailCode: "codes by email", db.CredentialOAuth: "an account of another service",
	db.CredentialPasskey: "a passkey", db.CredentialTOTP: "an authenticator app",
}
