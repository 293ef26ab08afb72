package operators

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// State says whether an account can be used.
type State = db.AccountState

// The states of an account.
const (
	Active   = db.AccountActive
	Disabled = db.AccountDisabled
	Pending  = db.AccountPending
)

// States are the states of an account.
var States = []State{Active, Disabled, Pending}

// MaxList is the most accounts that List returns.
const MaxList = db.MaxPage

// Filter selects the accounts that have all of the given values, as someone has typed them. A nil value selects all accounts.
type Filter struct {
	ID, Email, Username *string
	State               *State
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

// List returns the newest accounts that a filter selects, at most n, and whether there are more. Only the command line can do so.
func (s *Service) List(ctx context.Context, f Filter, n int) (list []db.ListedAccount, more bool, err error) {
	page, err := s.AsCommandLine().Find(ctx, f, db.Range{Size: n})
	if err != nil {
		return nil, false, err
	}
	return page.Rows, page.MoreAfter, nil
}

// Lookup returns the account that a username, an email address or an id names. A pending account is found only by its username or id,
// because several can have one address. Only the command line can do so.
func (s *Service) Lookup(ctx context.Context, name string) (*db.ListedAccount, error) {
	f := Filter{Username: &name}
	if _, ok := auth.ParseID(name); ok {
		f = Filter{ID: &name}
	} else if strings.Contains(name, "@") {
		f = Filter{Email: &name}
	}
	list, _, err := s.List(ctx, f, db.MaxPage)
	if err != nil {
		return nil, err
	}
	for i, a := range list {
		if f.Email == nil || a.State != db.AccountPending {
			return &list[i], nil
		}
	}
	return nil, fmt.Errorf("unknown account %q", name)
}

// Grant grants scopes to an account: all of them, or none if there is an error. Only the command line can do so. The error is NOT_FOUND for
// an unknown or pending account.
func (s *Service) Grant(ctx context.Context, userID uuid.UUID, grantedBy string, scopes ...string) error {
	return s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		for _, scope := range scopes {
			if err := tx.GrantScope(ctx, userID, scope, grantedBy); err != nil {
				return err
			}
		}
		return nil
	})
}

// Revoke revokes scopes of an account: all of them, or none if there is an error. Only the command line can do so. The error is NOT_FOUND
// if the account does not have one of them, and BAD_USER_INPUT if it is the last operator.
func (s *Service) Revoke(ctx context.Context, userID uuid.UUID, scopes ...string) error {
	return lastOperator(s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		for _, scope := range scopes {
			if err := tx.RevokeScope(ctx, userID, scope); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Grants returns the scopes of all accounts. Only the command line can do so.
func (s *Service) Grants(ctx context.Context) (grants []db.GrantedScope, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		grants, err = tx.FindGrants(ctx)
		return err
	})
	return grants, err
}
