package operators

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Filter selects the accounts that have all of the given values, as someone has typed them. A nil value selects all accounts.
type Filter struct {
	ID, Email, Username *string
	State               *db.AccountState
}

// read returns the filter in the form of the database. Its error has all flaws, at the paths of the fields below filter.
func (f Filter) read() (read db.AccountFilter, err error) {
	var faults fault.Faults
	if f.ID != nil {
		id, ok := auth.ParseID(*f.ID)
		if !ok {
			faults.Add("filter.id", fault.Flaw{Code: "INVALID", Message: "This is not a valid id."})
		}
		read.ID = &id
	}
	if f.Email != nil {
		email, flaw := input.ReadEmail(*f.Email)
		faults.Add("filter.email", flaw)
		read.EmailKey = &email.Key
	}
	if f.Username != nil {
		key, ok := input.UsernameKey(*f.Username)
		if !ok {
			faults.Add("filter.username", fault.Flaw{Code: "INVALID", Message: "No account can have this username."})
		}
		read.UsernameKey = &key
	}
	read.State = f.State
	return read, faults.Err()
}

// Find returns a page of accounts, newest first. It has no accounts for an operator without the scope accounts:read.
func (a Actor) Find(ctx context.Context, f Filter, r db.Range) (page *db.Page[db.ListedAccount], err error) {
	filter, err := f.read()
	if err != nil {
		return nil, err
	}
	if !a.operator {
		err = a.s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
			page, err = tx.Administer().FindAccounts(ctx, filter, r)
			return err
		})
		return page, err
	}
	err = a.s.db.Read(ctx, a.viewer, func(ctx context.Context, tx *db.Tx) error {
		page, err = tx.Administer().FindAccounts(ctx, filter, r)
		return err
	})
	return page, err
}

// Grant grants a scope to an account. Only the command line can do so. The error is NOT_FOUND for an unknown or pending account.
func (s *Service) Grant(ctx context.Context, userID uuid.UUID, scope, grantedBy string) error {
	return s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return tx.GrantScope(ctx, userID, scope, grantedBy) })
}

// Revoke revokes a scope of an account. Only the command line can do so. The error is NOT_FOUND if the account does not have the scope,
// and BAD_USER_INPUT if it is the last operator.
func (s *Service) Revoke(ctx context.Context, userID uuid.UUID, scope string) error {
	return lastOperator(s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return tx.RevokeScope(ctx, userID, scope) }))
}

// Grants returns the scopes of all accounts. Only the command line can do so.
func (s *Service) Grants(ctx context.Context) (grants []db.GrantedScope, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		grants, err = tx.FindGrants(ctx)
		return err
	})
	return grants, err
}
