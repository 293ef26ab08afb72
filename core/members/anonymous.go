package members

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/anonymous"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

func (m *MutationResolver) SignUpAnonymously(ctx context.Context, input model.SignUpAnonymouslyInput) (*model.SignUpAnonymouslyPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	session, err := m.Anonymous.SignUp(ctx, unlessBlank(input.Username), profileFields(input.Profile.Value()))
	if err != nil {
		return nil, err
	}
	payload := &model.SignUpAnonymouslyPayload{}
	payload.User, payload.Tokens = begin(ctx, session, jar)
	return payload, nil
}

func (m *MutationResolver) UpgradeAccount(ctx context.Context, input model.UpgradeAccountInput) (*model.UpgradeAccountPayload, error) {
	p, err := m.Anonymous.Upgrade(ctx, auth.ViewerFrom(ctx), anonymous.Upgrade{
		Email: input.Email, Password: input.Password, Username: unlessBlank(input.Username), Profile: profileFields(input.Profile.Value()),
	})
	if err != nil {
		return nil, err
	}
	return &model.UpgradeAccountPayload{User: newProfile(p).User}, nil
}

func (m *MutationResolver) SetPassword(ctx context.Context, input model.SetPasswordInput) (*model.SetPasswordPayload, error) {
	p, err := m.Accounts.SetPassword(ctx, auth.ViewerFrom(ctx), input.NewPassword)
	if err != nil {
		return nil, err
	}
	return &model.SetPasswordPayload{User: newProfile(p).User}, nil
}

type anonymousKey struct{ userID uuid.UUID }

func (u *UserResolver) Anonymous(ctx context.Context, obj *model.User) (*bool, error) {
	return resolvers.Once(ctx, anonymousKey{obj.Owner}, func() (*bool, error) {
		return u.DB.FindIsAnonymous(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}
