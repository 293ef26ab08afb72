package members

import (
	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/accounts"
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
	return newProfile(p), nil
}

// userOrNull is profileOrNull for the user of a profile.
func userOrNull(p *db.Profile, err error) (*model.User, error) {
	profile, err := profileOrNull(p, err)
	if profile == nil {
		return nil, err
	}
	return profile.User, nil
}

// newProfile translates a row into a profile and its user, which refer to each other.
func newProfile(p *db.Profile) *model.Profile {
	visibility := owned.Visibility(p.Visibility)
	profile := &model.Profile{
		ByVisibility: owned.ByVisibility{By: owned.By{ID: p.ID, Owner: p.UserID}, Visibility: visibility},
		Username:     p.Username, DisplayName: p.DisplayName, Bio: p.Bio, AvatarURL: p.AvatarURL, WebsiteURL: p.WebsiteURL, Location: p.Location,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	profile.User = &model.User{
		ByVisibility: owned.ByVisibility{By: owned.By{ID: p.UserID, Owner: p.UserID}, Visibility: visibility},
		Profile:      profile, CreatedAt: p.CreatedAt,
	}
	return profile
}

func newTokens(t *accounts.Tokens) *model.Tokens {
	return &model.Tokens{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, ExpiresAt: t.ExpiresAt}
}

func visibilityPatch(o graphql.Omittable[*owned.Visibility]) db.Patch[string] {
	return db.Patch[string]{Set: o.IsSet(), Value: (*string)(o.Value())}
}
