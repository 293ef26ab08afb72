package resolvers

import (
	"context"

	"freehold/accounts"
	"freehold/auth"
	"freehold/db"
	"freehold/graph/model"
)

func (m *mutation) SignUp(ctx context.Context, input model.SignUpInput) (*model.SignUpPayload, error) {
	in := accounts.SignUp{Email: input.Email, Password: input.Password, Username: input.Username}
	if f := input.Profile.Value(); f != nil {
		in.Profile = db.ProfileFields{
			DisplayName: patch(f.DisplayName), Bio: patch(f.Bio), AvatarURL: patch(f.AvatarURL), WebsiteURL: patch(f.WebsiteURL),
			Location: patch(f.Location), Visibility: visibilityPatch(f.Visibility), Birthday: patch(f.Birthday), PhoneNumber: patch(f.PhoneNumber),
		}
	}
	session, err := m.Accounts.SignUp(ctx, in)
	if err != nil {
		return nil, err
	}
	auth.Become(ctx, session.Viewer)
	return &model.SignUpPayload{User: newProfile(session.Profile).User, Tokens: newTokens(&session.Tokens)}, nil
}

func (m *mutation) SignIn(ctx context.Context, input model.SignInInput) (*model.SignInPayload, error) {
	session, err := m.Accounts.SignIn(ctx, input.Email, input.Password)
	if err != nil {
		return nil, err
	}
	auth.Become(ctx, session.Viewer)
	return &model.SignInPayload{User: newProfile(session.Profile).User, Tokens: newTokens(&session.Tokens)}, nil
}

func (m *mutation) RefreshSession(ctx context.Context, input model.RefreshSessionInput) (*model.RefreshSessionPayload, error) {
	tokens, err := m.Accounts.Refresh(ctx, input.RefreshToken)
	if err != nil {
		return nil, err
	}
	return &model.RefreshSessionPayload{Tokens: newTokens(tokens)}, nil
}

func (m *mutation) SignOut(ctx context.Context) (*model.SignOutPayload, error) {
	if err := m.Accounts.SignOut(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	return &model.SignOutPayload{Success: true}, nil
}

func (q *query) Me(ctx context.Context) (*model.User, error) {
	viewer := auth.ViewerFrom(ctx)
	if !viewer.IsMember() {
		return nil, nil //nolint:nilnil // nobody is null
	}
	p, err := profileOrNull(q.DB.FindProfileOfUser(ctx, viewer, viewer.UserID))
	if p == nil {
		return nil, err
	}
	return p.User, nil
}

func (u *user) Email(ctx context.Context, obj *model.User) (*string, error) {
	row, err := u.private(ctx, obj.Owner)
	if row == nil {
		return nil, err
	}
	return &row.Email, nil
}

func (u *user) EmailVerified(ctx context.Context, obj *model.User) (*bool, error) {
	row, err := u.private(ctx, obj.Owner)
	if row == nil {
		return nil, err
	}
	verified := row.EmailVerifiedAt != nil
	return &verified, nil
}
