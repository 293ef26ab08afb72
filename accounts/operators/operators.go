// Package operators owns the use cases with which accounts are administered: finding them, disabling and enabling them, revoking their
// sessions, starting a password reset, granting scopes, and helping users. An operator is an account with scopes; the command line can do
// the same, and only it can grant scopes, delete accounts, change addresses, and retry mails. The database checks the scope of each action, and records the action for the owner of the account. The package
// must not know GraphQL or HTTP, and leaves SQL to db.
package operators

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// Scopes are the scopes of these use cases, each with what it permits.
var Scopes = map[string]string{ //nolint:gosec // names, not credentials
	"accounts:read":    "Find accounts, and read their email addresses, states and scopes.",
	"accounts:disable": "Disable and enable accounts.",
	"sessions:revoke":  "Revoke all sessions of an account.",
	"passwords:reset":  "Send the owner of an account a code for a new password.",
}

// Config holds the settings.
type Config struct {
	Reauthentication db.Reauthentication // when an operator must prove again who they are
	CodeLifetime     time.Duration       // of one-time codes
	UsernameHold     time.Duration       // how long nobody gets the username of a deleted account
}

// Service has the use cases, over one database.
type Service struct {
	db      *db.DB
	secrets *auth.Secrets
	limits  *limits.Limiter
	config  Config
}

// New returns the use cases. The database of the command line is open as the owner role. Without secrets, no password reset can be started.
func New(d *db.DB, secrets *auth.Secrets, l *limits.Limiter, config Config) *Service {
	return &Service{db: d, secrets: secrets, limits: l, config: config}
}

// Actor is who acts: an operator or the command line.
type Actor struct {
	s        *Service
	viewer   auth.Viewer
	operator bool
}

// As returns the use cases of an operator. Those that change something need a recent reauthentication (REAUTH_REQUIRED), and a scope
// (FORBIDDEN).
func (s *Service) As(viewer auth.Viewer) Actor { return Actor{s: s, viewer: viewer, operator: true} }

// AsCommandLine returns the use cases of the command line.
func (s *Service) AsCommandLine() Actor { return Actor{s: s} }

// write runs an action in a transaction.
func (a Actor) write(ctx context.Context, fn func(context.Context, db.Administration) error) error {
	if !a.operator {
		return a.s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return fn(ctx, tx.Administer()) })
	}
	return a.s.db.Write(ctx, a.viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.RequireReauthentication(ctx, a.s.config.Reauthentication); err != nil {
			return err
		}
		return fn(ctx, tx.Administer())
	})
}

// Disable disables an account: its sessions end, nobody can sign in to it, and its rows are hidden from everyone else. It returns the
// account; nil if the operator may not read it. The error is NOT_FOUND for an unknown account, and BAD_USER_INPUT for the last operator.
func (a Actor) Disable(ctx context.Context, userID uuid.UUID) (*db.ListedAccount, error) {
	return a.change(ctx, userID, db.Administration.Disable)
}

// Enable enables an account. It returns the account; nil if the operator may not read it. The error is NOT_FOUND for an unknown account.
func (a Actor) Enable(ctx context.Context, userID uuid.UUID) (*db.ListedAccount, error) {
	return a.change(ctx, userID, db.Administration.Enable)
}

func (a Actor) change(ctx context.Context, userID uuid.UUID, action func(db.Administration, context.Context, uuid.UUID) error) (account *db.ListedAccount, err error) {
	err = a.write(ctx, func(ctx context.Context, admin db.Administration) error {
		if err := action(admin, ctx, userID); err != nil {
			return err
		}
		account, err = admin.FindAccount(ctx, userID)
		return err
	})
	return account, lastOperator(err)
}

// lastOperator turns the error for the last operator into BAD_USER_INPUT, at the id of the account.
func lastOperator(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, db.ErrLastOperator) {
		return err
	}
	return fault.Input("input.id", "LAST_OPERATOR", f.Message)
}

// RevokeSessions revokes all sessions of an account, and returns how many were live, and the account; nil if the operator may not read it.
// The error is NOT_FOUND for an unknown account.
func (a Actor) RevokeSessions(ctx context.Context, userID uuid.UUID) (n int, account *db.ListedAccount, err error) {
	err = a.write(ctx, func(ctx context.Context, admin db.Administration) error {
		if n, err = admin.RevokeSessions(ctx, userID); err != nil {
			return err
		}
		account, err = admin.FindAccount(ctx, userID)
		return err
	})
	return n, account, err
}

// StartPasswordReset sends a code for a new password to the address of an account. The password stays until the owner uses the code. It
// returns the account; nil if the operator may not read it. The error is NOT_FOUND for an unknown account, BAD_USER_INPUT for one that is
// not active, and RATE_LIMITED if operators have sent too many codes to the address.
func (a Actor) StartPasswordReset(ctx context.Context, userID uuid.UUID) (account *db.ListedAccount, err error) {
	to, err := a.recipient(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("start a password reset: %w", err)
	}
	if err := a.s.limits.CheckOperatorMail(ctx, mail.ResetPassword, to.Key); err != nil {
		return nil, fault.LimitAt("input.id", err)
	}
	seed, id := a.s.secrets.NewCode(string(db.ResetPassword), to.Key)
	code := db.Code{ID: id, Seed: seed, EmailKey: to.Key, ValidFor: a.s.config.CodeLifetime}
	err = a.write(ctx, func(ctx context.Context, admin db.Administration) error {
		notice, ok, err := admin.StartPasswordReset(ctx, userID, code)
		switch {
		case err != nil:
			return err
		case !ok: // the account has changed since
			return fault.Gone()
		}
		err = admin.EnqueueMail(ctx, outbox.Mail{
			ID: seed, Kind: mail.ResetPassword, Recipient: notice.Email, CodeID: id, ValidFor: code.ValidFor,
			Data: map[string]string{"username": notice.Username, "operator": "An operator"},
		})
		if err != nil {
			return err
		}
		account, err = admin.FindAccount(ctx, userID)
		return err
	})
	return account, err
}

// recipient returns the address of an active account.
func (a Actor) recipient(ctx context.Context, userID uuid.UUID) (to input.Email, err error) {
	var email string
	var state State
	err = a.write(ctx, func(ctx context.Context, admin db.Administration) error {
		email, state, err = admin.FindResetRecipient(ctx, userID)
		return err
	})
	if err != nil {
		return input.Email{}, err
	}
	if flaw, ok := inactive[state]; ok {
		return input.Email{}, flaw.At("input.id")
	}
	if email == "" {
		return input.Email{}, noAddress.At("input.id")
	}
	to, _ = input.ReadEmail(email) // a stored address is valid
	return to, nil
}

var noAddress = fault.Flaw{Code: "NO_ADDRESS", Message: "This account has no email address."}

// inactive has the flaws of accounts that cannot get a new password.
var inactive = map[State]fault.Flaw{
	Disabled: {Code: "DISABLED", Message: "This account is disabled. Enable it first."},
	Pending:  {Code: "PENDING", Message: "This account is pending: its owner has not verified the email address."},
}

// RemoveSecondFactor removes the second factor of an account whose owner has lost it, as the command line, and sends a notice to its address.
// It returns whether the account had one; NOT_FOUND for an unknown account.
func (s *Service) RemoveSecondFactor(ctx context.Context, userID uuid.UUID) (removed bool, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		var to db.Notice
		if removed, to, err = tx.RemoveSecondFactor(ctx, userID); err != nil || !removed || to.Email == "" {
			return err
		}
		return tx.EnqueueMail(ctx, outbox.Mail{
			Kind: mail.CredentialRemoved, UserID: userID, Recipient: to.Email,
			Data: map[string]string{"username": to.Username, "credential": "the second factor, which an operator has removed"},
		})
	})
	return removed, err
}
