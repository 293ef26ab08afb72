package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// ListedAccount is an account as operators see it.
type ListedAccount struct {
	ID              uuid.UUID    `db:"id"`
	CreatedAt       time.Time    `db:"created_at"`
	Email           string       `db:"email"` // "" for none
	Username        string       `db:"username"`
	EmailVerifiedAt *time.Time   `db:"email_verified_at"`
	DisabledAt      *time.Time   `db:"disabled_at"`
	State           AccountState `db:"state"`
	LastUsedAt      *time.Time   `db:"last_used_at"` // of its newest session; nil if it has none
	Scopes          auth.Scopes  `db:"scopes"`
}

// AccountFilter selects the accounts that have all of the given values. The zero value selects all accounts.
type AccountFilter struct {
	ID          *uuid.UUID
	EmailKey    *string // normalised
	UsernameKey *string // normalised
	State       *AccountState
}

const accountColumns = `id, created_at, email, username, email_verified_at, disabled_at, state, last_used_at, scopes`

// accountStatements returns the statements of a list that the function of an operator or of the command line returns.
func accountStatements(function string) statements {
	from := `SELECT ` + accountColumns + ` FROM ` + function
	return statements{newest: from + `($1, $2, $3, $4, $5, false, $6, $7, $8, $9)`, oldest: from + `($1, $2, $3, $4, $5, true, $6, $7, $8, $9)`}
}

var (
	accountsForOperators   = accountStatements(`app.find_accounts`)
	accountsForCommandLine = accountStatements(`app.accounts_page`)
)

// FindAccounts returns a page of accounts, newest first. It is empty for an operator without the scope accounts:read.
func (a Administration) FindAccounts(ctx context.Context, f AccountFilter, r Range) (*Page[ListedAccount], error) {
	s := accountsForCommandLine
	if a.operator {
		s = accountsForOperators
	}
	return findPage[ListedAccount](ctx, a.tx.SelectContext, "accounts", s, []any{f.ID, f.EmailKey, f.UsernameKey, f.State}, r)
}

// FindAccount returns an account; nil if there is none, or for an operator without the scope accounts:read.
func (a Administration) FindAccount(ctx context.Context, userID uuid.UUID) (*ListedAccount, error) {
	page, err := a.FindAccounts(ctx, AccountFilter{ID: &userID}, Range{Size: 1})
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	if len(page.Rows) == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	return &page.Rows[0], nil
}
