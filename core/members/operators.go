package members

import (
	"context"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

// Scopes are the scopes of operators, each with what it permits.
var Scopes = operators.Scopes

func (q *QueryResolver) Accounts(ctx context.Context, filter *model.AccountFilter, first *int, after *string, last *int, before *string) (*model.AccountConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	var f operators.Filter
	if filter != nil {
		f = operators.Filter{ID: filter.ID.Value(), Email: filter.Email.Value(), Username: filter.Username.Value(), State: (*db.AccountState)(filter.State.Value())}
	}
	page, err := actor(ctx, q.Resolvers).Find(ctx, f, r)
	if err != nil {
		return nil, err
	}
	c := &model.AccountConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page,
		func(a *db.ListedAccount) db.Place { return db.Place{CreatedAt: a.CreatedAt, ID: a.ID} }, newAccount,
		func(at string, a *model.Account) *model.AccountEdge { return &model.AccountEdge{Cursor: at, Node: a} })
	return c, nil
}

func (m *MutationResolver) DisableAccount(ctx context.Context, input model.DisableAccountInput) (*model.DisableAccountPayload, error) {
	id, _ := auth.ParseID(input.ID) // otherwise the zero id, which no account has
	account, err := actor(ctx, m.Resolvers).Disable(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.DisableAccountPayload{Success: true, Account: newAccount(account)}, nil
}

func (m *MutationResolver) EnableAccount(ctx context.Context, input model.EnableAccountInput) (*model.EnableAccountPayload, error) {
	id, _ := auth.ParseID(input.ID)
	account, err := actor(ctx, m.Resolvers).Enable(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.EnableAccountPayload{Success: true, Account: newAccount(account)}, nil
}

func (m *MutationResolver) RevokeAccountSessions(ctx context.Context, input model.RevokeAccountSessionsInput) (*model.RevokeAccountSessionsPayload, error) {
	id, _ := auth.ParseID(input.ID)
	count, account, err := actor(ctx, m.Resolvers).RevokeSessions(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.RevokeAccountSessionsPayload{Success: true, Account: newAccount(account), Count: count}, nil
}

func (m *MutationResolver) StartPasswordReset(ctx context.Context, input model.StartPasswordResetInput) (*model.StartPasswordResetPayload, error) {
	id, _ := auth.ParseID(input.ID)
	account, err := actor(ctx, m.Resolvers).StartPasswordReset(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.StartPasswordResetPayload{Success: true, Account: newAccount(account)}, nil
}

// actor returns the use cases of operators for the viewer.
func actor(ctx context.Context, r *resolvers.Resolvers) operators.Actor {
	return r.Operators.As(auth.ViewerFrom(ctx))
}

// newAccount translates an account; nil for nil.
func newAccount(a *db.ListedAccount) *model.Account {
	if a == nil {
		return nil
	}
	return &model.Account{
		ID: a.ID.String(), Email: textOrNil(a.Email), EmailVerified: a.EmailVerifiedAt != nil, Username: a.Username, State: model.AccountState(a.State),
		DisabledAt: a.DisabledAt, CreatedAt: a.CreatedAt, LastUsedAt: a.LastUsedAt, Scopes: a.Scopes.List(),
	}
}

// textOrNil returns nil for an empty text, which means that there is none.
func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
