package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"freehold/accounts"
	"freehold/db"
	"freehold/fault"
	"freehold/graph/model"
)

// orNull turns NOT_FOUND into null, for queries: what is missing and what is hidden is no error there.
func orNull[T any](row *T, err error) (*T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return row, err
}

// profileOrNull is orNull, translated.
func profileOrNull(p *db.Profile, err error) (*model.Profile, error) {
	if p, err = orNull(p, err); p == nil {
		return nil, err
	}
	return newProfile(p), nil
}

// newProfile translates a row into a profile and its user, which refer to each other.
func newProfile(p *db.Profile) *model.Profile {
	profile := &model.Profile{
		ID: p.ID.String(), Owner: p.UserID, Username: p.Username, DisplayName: p.DisplayName, Bio: p.Bio, AvatarURL: p.AvatarURL,
		WebsiteURL: p.WebsiteURL, Location: p.Location, Visibility: model.ProfileVisibility(p.Visibility),
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	profile.User = &model.User{
		ID: p.UserID.String(), Owner: p.UserID, Visibility: profile.Visibility, Profile: profile, CreatedAt: p.UserCreatedAt,
	}
	return profile
}

func newTokens(t *accounts.Tokens) *model.Tokens {
	return &model.Tokens{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, ExpiresAt: t.ExpiresAt}
}

// patch translates an input field: absent, null or a value.
func patch[T any](o graphql.Omittable[*T]) db.Patch[T] {
	return db.Patch[T]{Set: o.IsSet(), Value: o.Value()}
}

func visibilityPatch(o graphql.Omittable[*model.ProfileVisibility]) db.Patch[string] {
	p := db.Patch[string]{Set: o.IsSet()}
	if v := o.Value(); v != nil {
		text := v.String()
		p.Value = &text
	}
	return p
}

// withIndex is the context of an entry of the list that ctx's field answers.
func withIndex(ctx context.Context, i int) context.Context {
	return graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
}
