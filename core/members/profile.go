package members

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

func (q *QueryResolver) Profile(ctx context.Context, username string) (*model.Profile, error) {
	ref := profileType.Ref("username", username)
	p, err := profileOrNull(q.DB.FindProfileByUsernameKey(ctx, auth.ViewerFrom(ctx), ref.Key)) // PostgreSQL plans a statement with one key only once
	if p == nil && err == nil {
		q.Miss(ctx, ref)
	}
	return p, err
}

func (q *QueryResolver) UsernameAvailable(ctx context.Context, username string) (*bool, error) {
	ok, err := q.Resolvers.Accounts.UsernameAvailable(ctx, username)
	if err != nil {
		return nil, err
	}
	return &ok, nil
}

func (m *MutationResolver) UpdateProfile(ctx context.Context, input model.UpdateProfileInput) (*model.UpdateProfilePayload, error) {
	id := uuid.Nil // the viewer's own
	if text := input.ID.Value(); text != nil {
		var ok bool
		if id, ok = auth.ParseID(*text); !ok {
			return nil, fault.Gone()
		}
	}
	p, err := m.Accounts.UpdateProfile(ctx, auth.ViewerFrom(ctx), id, db.ProfileFields{
		DisplayName: resolvers.Patch(input.DisplayName), Bio: resolvers.Patch(input.Bio), AvatarURL: resolvers.Patch(input.AvatarURL), WebsiteURL: resolvers.Patch(input.WebsiteURL),
		Location: resolvers.Patch(input.Location), Visibility: visibilityPatch(input.Visibility), Birthday: resolvers.Patch(input.Birthday), PhoneNumber: resolvers.Patch(input.PhoneNumber),
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdateProfilePayload{Profile: newProfile(p)}, nil
}

func (p *ProfileResolver) Birthday(ctx context.Context, obj *model.Profile) (*time.Time, error) {
	row, err := private(ctx, p.Resolvers, obj.Owner)
	if row == nil {
		return nil, err
	}
	return row.Birthday, nil
}

func (p *ProfileResolver) PhoneNumber(ctx context.Context, obj *model.Profile) (*string, error) {
	row, err := private(ctx, p.Resolvers, obj.Owner)
	if row == nil {
		return nil, err
	}
	return row.PhoneNumber, nil
}
