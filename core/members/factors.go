package members

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/factors"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

type recoveryKey struct{ userID uuid.UUID }

func (u *UserResolver) RecoveryCodesLeft(ctx context.Context, obj *model.User) (*int, error) {
	return resolvers.Once(ctx, recoveryKey{obj.Owner}, func() (*int, error) {
		return u.Factors.RecoveryCodesLeft(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}

func (m *MutationResolver) Reauthenticate(ctx context.Context, input model.ReauthenticateInput) (*model.ReauthenticatePayload, error) {
	p, err := m.Factors.Reauthenticate(ctx, auth.ViewerFrom(ctx), input.Password.Value(),
		factors.Second{Code: input.Code.Value(), RecoveryCode: input.RecoveryCode.Value()})
	if err != nil {
		return nil, err
	}
	return &model.ReauthenticatePayload{User: newProfile(p).User}, nil
}

func (m *MutationResolver) FinishSecondFactor(ctx context.Context, input model.FinishSecondFactorInput) (*model.FinishSecondFactorPayload, error) {
	session, cookie, err := m.Factors.FinishSecondFactor(ctx, input.ContinuationToken,
		factors.Second{Code: input.Code.Value(), RecoveryCode: input.RecoveryCode.Value()})
	if err != nil {
		return nil, err
	}
	payload := &model.FinishSecondFactorPayload{}
	payload.User, payload.Tokens = begin(ctx, session, jarOf(ctx, cookie))
	return payload, nil
}

func (m *MutationResolver) StartTotp(ctx context.Context) (*model.StartTotpPayload, error) {
	started, err := m.Factors.StartTOTP(ctx, auth.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &model.StartTotpPayload{Secret: started.Secret.Text(), URI: started.URI, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishTotp(ctx context.Context, input model.FinishTotpInput) (*model.FinishTotpPayload, error) {
	added, err := m.Factors.FinishTOTP(ctx, auth.ViewerFrom(ctx), input.ContinuationToken, input.Code, input.Name.Value())
	if err != nil {
		return nil, err
	}
	return &model.FinishTotpPayload{
		Credential: newCredential(added.Credential), RecoveryCodes: added.RecoveryCodes, User: newProfile(added.Profile).User,
	}, nil
}

func (m *MutationResolver) CreateRecoveryCodes(ctx context.Context) (*model.CreateRecoveryCodesPayload, error) {
	codes, p, err := m.Factors.CreateRecoveryCodes(ctx, auth.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &model.CreateRecoveryCodesPayload{RecoveryCodes: codes, User: newProfile(p).User}, nil
}
