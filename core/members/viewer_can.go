package members

import (
	"context"

	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

func (u *UserResolver) ViewerCan(ctx context.Context, obj *model.User) (*owned.Permissions, error) {
	return u.Permissions(ctx, "User", obj)
}

func (p *ProfileResolver) ViewerCan(ctx context.Context, obj *model.Profile) (*owned.Permissions, error) {
	return p.Permissions(ctx, "Profile", obj)
}

func (s *SessionResolver) ViewerCan(ctx context.Context, obj *model.Session) (*owned.Permissions, error) {
	return s.Permissions(ctx, "Session", obj)
}

func (c *CredentialResolver) ViewerCan(ctx context.Context, obj *model.Credential) (*owned.Permissions, error) {
	return c.Permissions(ctx, "Credential", obj)
}
