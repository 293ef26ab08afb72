package members

import (
	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/core/types"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// profileOrNull is resolvers.OrNull, and translates the row.
func profileOrNull(p *db.Profile, err error) (*model.Profile, error) {
	if p, err = resolvers.OrNull(p, err); p == nil {
		return nil, err
	}
	return types.NewProfile(p), nil
}

// userOrNull is profileOrNull for the user of a profile.
func userOrNull(p *db.Profile, err error) (*model.User, error) {
	profile, err := profileOrNull(p, err)
	if profile == nil {
		return nil, err
	}
	return profile.User, nil
}

func newTokens(t *accounts.Tokens) *model.Tokens {
	return &model.Tokens{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, ExpiresAt: t.ExpiresAt}
}

func visibilityPatch(o graphql.Omittable[*owned.Visibility]) db.Patch[string] {
	return db.Patch[string]{Set: o.IsSet(), Value: (*string)(o.Value())}
}
