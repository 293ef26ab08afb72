package operators

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// The following are for the command line only.

type (
	// Account is an account in a list.
	Account = db.ListedAccount
	// Dossier is what is known about an account.
	Dossier = db.Dossier
	// Mail is a mail that was not sent.
	Mail = db.UnsentMail
	// Grant is a scope of an account.
	Grant = db.GrantedScope
)

// Export returns the rows that belong to a user, by table, without secrets.
func (s *Service) Export(ctx context.Context, userID uuid.UUID) (rows []db.ExportedRow, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		if rows, err = tx.FindExport(ctx, userID); err != nil {
			return err
		}
		return tx.RecordOperatorEvent(ctx, userID, "DATA_EXPORTED")
	})
	return rows, err
}

// Show returns what is known about an account, without secrets; NOT_FOUND for an unknown account.
func (s *Service) Show(ctx context.Context, userID uuid.UUID) (dossier *Dossier, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		dossier, err = tx.FindDossier(ctx, userID)
		return err
	})
	if err == nil && dossier == nil {
		err = fault.Gone()
	}
	return dossier, err
}

// Hook is an accounts.Hook: it gets a transaction of the account's owner.
type Hook = func(ctx context.Context, tx *db.Tx, profile *db.Profile) error

// Delete deletes an account as its owner could: after the hooks, with everything that refers to it, with a notice, and its username is held.
// The hooks and the deletion run in one transaction of app, a database that is open as the app role, so that row policies restrict the
// hooks. The error is NOT_FOUND for an unknown account, and BAD_USER_INPUT for the last operator.
func (s *Service) Delete(ctx context.Context, app *db.DB, before []Hook, account *Account) error {
	withheld, err := s.withholdsNotice(ctx, account)
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	ticket := auth.NewFlowToken().Hash()
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return tx.StartRemoval(ctx, ticket, account.ID) })
	if err != nil {
		return err
	}
	return lastOperator(app.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		tx, err := system.EnterRemoval(ctx, ticket)
		if err != nil {
			return err
		}
		profile, err := tx.FindProfileOfUser(ctx, account.ID)
		if err != nil {
			return err
		}
		for _, hook := range before {
			if err := hook(ctx, tx, profile); err != nil {
				return fmt.Errorf("before deletion: %w", err)
			}
		}
		to, err := tx.FinishRemoval(ctx, ticket, s.config.UsernameHold)
		if err != nil || to.Email == "" {
			return err
		}
		return tx.EnqueueMail(ctx, outbox.Mail{ // without the account, or the mail would be deleted with it
			Kind: mail.AccountDeleted, Recipient: to.Email, Data: map[string]string{"username": to.Username}, Withheld: withheld,
		})
	}))
}

// withholdsNotice counts a notice to an address that is not verified, and reports whether it must not be sent.
func (s *Service) withholdsNotice(ctx context.Context, account *Account) (bool, error) {
	if account.EmailVerifiedAt != nil || account.Email == "" {
		return false, nil
	}
	to, _ := input.ReadEmail(account.Email) // a stored address is valid
	return s.limits.WithholdsNotice(ctx, mail.AccountDeleted, to.Key)
}

// ChangeEmail sends a code to a new address of an account, which the owner then confirms as after a request of their own. The error is
// BAD_USER_INPUT if the address is invalid or taken, or if the account is not active or has no address, and RATE_LIMITED if operators have
// sent too many codes to the address.
func (s *Service) ChangeEmail(ctx context.Context, account *Account, typed string) (address string, err error) {
	if flaw := unusable(account); !flaw.IsZero() {
		return "", flaw.At("user")
	}
	to, flaw := input.ReadEmail(typed)
	if !flaw.IsZero() {
		return "", flaw.At("newEmail")
	}
	if now, _ := input.ReadEmail(account.Email); now.Key == to.Key {
		return "", fault.Input("newEmail", "UNCHANGED", "The account has this address already.")
	}
	err = s.sendCode(ctx, db.ChangeEmail, mail.ChangeEmail, to, func(ctx context.Context, tx *db.SystemTx, code db.Code) (string, error) {
		return to.Text, tx.PutChangeCode(ctx, account.ID, code)
	})
	switch {
	case errors.Is(err, db.ErrTaken):
		err = fault.Input("newEmail", "TAKEN", "Another account has this address.")
	case errors.Is(err, db.ErrRefused):
		err = fault.Input("user", "CHANGED", "The account has changed in the meantime. Try again.")
	}
	return to.Text, err
}

// unusable returns why no code can be sent to an account, or the zero Flaw.
func unusable(account *Account) fault.Flaw {
	if account.Email == "" {
		return noAddress
	}
	return inactive[account.State]
}

var (
	verified = fault.Flaw{Code: "VERIFIED", Message: "The address of this account is verified already."}
	// lapsed is that of a pending sign-up which can never be verified.
	lapsed = fault.Flaw{Code: "LAPSED", Message: "This sign-up cannot be verified any more: its time is over, or another account has the address."}
)

// ResendVerification sends a code to the address of an account that is not verified, also to that of a pending sign-up. The error is
// BAD_USER_INPUT if nothing is to be verified, and RATE_LIMITED if operators have sent too many codes to the address.
func (s *Service) ResendVerification(ctx context.Context, account *Account) error {
	switch {
	case account.Email == "":
		return noAddress.At("user")
	case account.State == Disabled:
		return inactive[Disabled].At("user")
	case account.EmailVerifiedAt != nil:
		return verified.At("user")
	}
	to, _ := input.ReadEmail(account.Email) // a stored address is valid
	return s.sendCode(ctx, db.VerifyEmail, mail.VerifyEmail, to, func(ctx context.Context, tx *db.SystemTx, code db.Code) (string, error) {
		address, err := tx.PutVerificationCode(ctx, account.ID, code)
		if err == nil && address == "" {
			err = lapsed.At("user")
		}
		return address, err
	})
}

// sendCode puts a code for an address into the database, and its mail into the outbox.
func (s *Service) sendCode(
	ctx context.Context, purpose db.Purpose, kind mail.Kind, to input.Email, put func(context.Context, *db.SystemTx, db.Code) (recipient string, err error),
) error {
	if err := s.limits.CheckOperatorMail(ctx, kind, to.Key); err != nil {
		return err
	}
	seed, id := s.secrets.NewCode(string(purpose), to.Key)
	code := db.Code{ID: id, Seed: seed, Purpose: purpose, Email: to.Text, EmailKey: to.Key, ValidFor: s.config.CodeLifetime}
	return s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		recipient, err := put(ctx, tx, code)
		if err != nil {
			return err
		}
		return tx.EnqueueMail(ctx, outbox.Mail{ID: seed, Kind: kind, Recipient: recipient, CodeID: id, ValidFor: code.ValidFor})
	})
}
