package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail/outbox"
)

// Administration has the statements with which accounts are administered, in a transaction: as an operator, whose scopes the database
// checks, or as the command line.
type Administration struct {
	tx       runner
	operator bool
}

// Administer returns the statements of an operator.
func (t *Tx) Administer() Administration { return Administration{tx: t.tx, operator: true} }

// Administer returns the statements of the command line. They need the owner role.
func (t *SystemTx) Administer() Administration { return Administration{tx: t.tx} }

// by returns the statement of an operator, or that of the command line.
func (a Administration) by(operator, commandLine string) string {
	if a.operator {
		return operator
	}
	return commandLine
}

// Disable disables an account: ends its sessions, and hides its rows from everyone else. It changes nothing if the account is disabled
// already. The error is NOT_FOUND for an unknown account, and ErrLastOperator for the last operator.
func (a Administration) Disable(ctx context.Context, userID uuid.UUID) error {
	return a.change(ctx, a.by(`SELECT app.disable_account($1)`, `SELECT app.set_disabled($1, true, NULL)`), userID)
}

// Enable enables an account, whose rows then have the visibility that they had before. The error is NOT_FOUND for an unknown account.
func (a Administration) Enable(ctx context.Context, userID uuid.UUID) error {
	return a.change(ctx, a.by(`SELECT app.enable_account($1)`, `SELECT app.set_disabled($1, false, NULL)`), userID)
}

func (a Administration) change(ctx context.Context, query string, userID uuid.UUID) error {
	var found bool
	if err := a.tx.GetContext(ctx, &found, query, userID); err != nil {
		return fmt.Errorf("disable or enable an account: %w", err)
	}
	if !found {
		return fault.Gone()
	}
	return nil
}

// RevokeSessions revokes all sessions of an account, and returns how many were live; NOT_FOUND for an unknown account.
func (a Administration) RevokeSessions(ctx context.Context, userID uuid.UUID) (int, error) {
	var n *int
	if err := a.tx.GetContext(ctx, &n, a.by(`SELECT app.revoke_account_sessions($1)`, `SELECT app.end_sessions($1, NULL)`), userID); err != nil {
		return 0, fmt.Errorf("revoke the sessions of an account: %w", err)
	}
	if n == nil {
		return 0, fault.Gone()
	}
	return *n, nil
}

// AccountState says whether an account can be used.
type AccountState string

// The states of an account.
const (
	AccountActive   AccountState = "ACTIVE"
	AccountDisabled AccountState = "DISABLED"
	AccountPending  AccountState = "PENDING" // its address was not verified yet, or not in time
)

// FindResetRecipient returns the address of an account, and its state; NOT_FOUND for an unknown account. Operators do not see them: the
// address is needed to create a code.
func (a Administration) FindResetRecipient(ctx context.Context, userID uuid.UUID) (email string, state AccountState, err error) {
	var found struct {
		Email string
		State AccountState
	}
	ok, err := a.find(ctx, &found, a.by(`SELECT email, state FROM app.reset_recipient($1)`, `SELECT email, state FROM app.find_recipient($1)`), userID)
	if err == nil && !ok {
		err = fault.Gone()
	}
	return found.Email, found.State, err
}

// StartPasswordReset creates a code that resets the password of an account, and returns the recipient of its mail. ok is false if the
// account is not active, or has another address now.
func (a Administration) StartPasswordReset(ctx context.Context, userID uuid.UUID, c Code) (n Notice, ok bool, err error) {
	ok, err = a.find(ctx, &n, a.by(
		`SELECT email, username FROM app.start_password_reset($1, $2, $3, $4)`, `SELECT email, username FROM app.put_reset_code($1, $2, $3, $4, NULL)`),
		userID, c.EmailKey, c.ID, c.ValidFor.Seconds())
	return n, ok, err
}

func (a Administration) find(ctx context.Context, dest any, query string, args ...any) (ok bool, err error) {
	err = a.tx.GetContext(ctx, dest, query, args...)
	return err == nil, unlessNone(err, "start a password reset")
}

// EnqueueMail is SystemTx.EnqueueMail.
func (a Administration) EnqueueMail(ctx context.Context, m outbox.Mail) error {
	return enqueueMail(ctx, a.tx, m)
}

// CheckOwner returns an error unless the role of the pool may administer accounts as the command line.
func (d *DB) CheckOwner(ctx context.Context) error {
	var is bool
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &is, `SELECT pg_has_role(current_user, 'freehold_owner', 'USAGE')`)
	})
	if err == nil && !is {
		err = errors.New("the role is not the owner role, freehold_owner")
	}
	return err
}

// RemoveSecondFactor removes the second factor of an account: its authenticator apps and recovery codes. It returns whether there was one,
// and the recipient of the notice; NOT_FOUND for an unknown account. Only the owner role can run it.
func (t *SystemTx) RemoveSecondFactor(ctx context.Context, userID uuid.UUID) (removed bool, n Notice, err error) {
	var row struct {
		Removed bool
		Notice
	}
	err = t.tx.GetContext(ctx, &row, `SELECT removed, email, username FROM app.remove_second_factor($1)`, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, Notice{}, fault.Gone()
	}
	if err != nil {
		return false, Notice{}, fmt.Errorf("remove the second factor of an account: %w", err)
	}
	return row.Removed, row.Notice, nil
}

// GrantedScope is a scope that an account has.
type GrantedScope struct {
	Username  string    `db:"username"`
	Scope     string    `db:"scope"`
	GrantedAt time.Time `db:"granted_at"`
	GrantedBy string    `db:"granted_by"` // who ran the command
}

// FindGrants returns the scopes of all accounts. Only the owner role can run it.
func (t *SystemTx) FindGrants(ctx context.Context) (grants []GrantedScope, err error) {
	err = t.tx.SelectContext(ctx, &grants, `
		SELECT p.username, g.scope, g.granted_at, g.granted_by
		  FROM app.scope_grants g JOIN app.profiles p ON p.user_id = g.user_id
		 ORDER BY p.username_key, g.scope`)
	if err != nil {
		return nil, fmt.Errorf("find grants: %w", err)
	}
	return grants, nil
}

// ErrTooManyScopes means that the scopes of an account would not fit into an access token.
var ErrTooManyScopes = errors.New("the scopes of the account would not fit into an access token")

// GrantScope grants a scope to an account; NOT_FOUND for an unknown or pending account. Only the owner role can run it.
func (t *SystemTx) GrantScope(ctx context.Context, userID uuid.UUID, scope, grantedBy string) error {
	var found bool
	if err := t.tx.GetContext(ctx, &found, `SELECT app.grant_scope($1, $2, $3)`, userID, scope, grantedBy); err != nil {
		return fmt.Errorf("grant a scope: %w", err)
	}
	if !found {
		return fault.Gone()
	}
	var all []string
	if err := t.tx.SelectContext(ctx, &all, `SELECT scope FROM app.scope_grants WHERE user_id = $1`, userID); err != nil {
		return fmt.Errorf("grant a scope: %w", err)
	}
	if len(strings.Join(all, " ")) > auth.MaxScopeBytes {
		return ErrTooManyScopes
	}
	return nil
}

// RevokeScope revokes a scope of an account; NOT_FOUND if the account does not have it, and ErrLastOperator if it is the last operator.
// Only the owner role can run it.
func (t *SystemTx) RevokeScope(ctx context.Context, userID uuid.UUID, scope string) error {
	var had bool
	if err := t.tx.GetContext(ctx, &had, `SELECT app.revoke_scope($1, $2)`, userID, scope); err != nil {
		return fmt.Errorf("revoke a scope: %w", err)
	}
	if !had {
		return fault.Gone()
	}
	return nil
}
