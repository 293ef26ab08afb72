// Package resolvers owns what the resolvers of all modules have in common: what they use, how they find rows and objects by their keys,
// pages of lists, and what one root field loads once. A resolver has a few lines. The field's rule decides before a resolver runs whether
// the viewer may read the field; the database decides which rows. It must not know the fields of a type, SQL or HTTP.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/anonymous"
	"freehold.dev/freehold/accounts/export"
	"freehold.dev/freehold/accounts/factors"
	"freehold.dev/freehold/accounts/mailcodes"
	"freehold.dev/freehold/accounts/oauth"
	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/accounts/passkeys"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"
)

// Resolvers has what the resolvers of all modules use.
type Resolvers struct {
	DB         *db.DB
	Accounts   *accounts.Service
	MailCodes  *mailcodes.Service
	Anonymous  *anonymous.Service
	Factors    *factors.Service
	Operators  *operators.Service
	Exports    *export.Service
	OAuth      *oauth.Service
	Passkeys   *passkeys.Service
	Registry   *owned.Registry
	EntityKeys map[string][]string // of each type with @key; see EntityKeys
	Limits     RequestLimits
	// Permissions returns what the viewer may do with a loaded row, for the field viewerCan of its type. The rules decide.
	Permissions func(ctx context.Context, typ string, row owned.Row) (*owned.Permissions, error)
	// Missed is called with each key that a query asks for if the viewer sees no row with it: the row is missing or hidden. ctx
	// has the path of the field, or of the entry in its list. It can be nil.
	Missed func(ctx context.Context, ref owned.Ref)
}

// Miss calls Missed for a key with which the viewer sees no row.
func (r *Resolvers) Miss(ctx context.Context, ref owned.Ref) {
	if r.Missed != nil && !ref.IsZero() {
		r.Missed(ctx, ref)
	}
}

// RequestLimits are the limits of the HTTP edge, for Query.settings.
type RequestLimits struct {
	Cost    int
	Depth   int
	Aliases int
	Tokens  int
	Bytes   int
	Reply   int // bytes of the data in a response
}

// Find returns the row of a type that has a key, such as id or username; nil if the viewer sees no such row.
func Find[M owned.Row](ctx context.Context, r *Resolvers, typ, key, text string) (row M, err error) {
	ref := r.Registry.Lookup(typ).Ref(key, text)
	found, err := r.Registry.FindRefs(ctx, r.DB, auth.ViewerFrom(ctx), [][]owned.Ref{{ref}})
	if err != nil {
		return row, err
	}
	row, ok := found[0].(M)
	if !ok {
		r.Miss(ctx, ref)
	}
	return row, nil
}

// AroundRootField opens the scope of a root field. The scope begins with the viewer of the request, and shares what is loaded of
// private rows.
func AroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	ctx = auth.WithViewer(ctx, auth.ViewerFrom(ctx))
	return next(withLoaded(ctx))
}
