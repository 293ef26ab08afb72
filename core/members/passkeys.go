package members

import (
	"context"
	"encoding/json"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/passkeys"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
)

func (m *MutationResolver) StartPasskeyRegistration(ctx context.Context) (*model.StartPasskeyRegistrationPayload, error) {
	started, err := m.Passkeys.StartRegistration(ctx, auth.ViewerFrom(ctx), auth.JarFrom(ctx).HoldsSession())
	if err != nil {
		return nil, err
	}
	return &model.StartPasskeyRegistrationPayload{Options: started.Options, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishPasskeyRegistration(ctx context.Context, input model.FinishPasskeyRegistrationInput) (*model.FinishPasskeyRegistrationPayload, error) {
	added, err := m.Passkeys.FinishRegistration(ctx, auth.ViewerFrom(ctx), answer("input", input.ContinuationToken, input.Credential), input.Name.Value())
	if err != nil {
		return nil, err
	}
	return &model.FinishPasskeyRegistrationPayload{Credential: newCredential(added)}, nil
}

func (m *MutationResolver) StartPasskeySignUp(ctx context.Context, input model.StartPasskeySignUpInput) (*model.StartPasskeySignUpPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	form := accounts.SignUp{Email: input.Email, Username: input.Username, Profile: profileFields(input.Profile.Value())}
	started, err := m.Passkeys.StartSignUp(ctx, form, jar != nil)
	if err != nil {
		return nil, err
	}
	return &model.StartPasskeySignUpPayload{Options: started.Options, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishPasskeySignUp(ctx context.Context, input model.FinishPasskeySignUpInput) (*model.FinishPasskeySignUpPayload, error) {
	session, cookie, err := m.Passkeys.FinishSignUp(ctx, answer("input", input.ContinuationToken, input.Credential))
	if err != nil {
		return nil, err
	}
	payload := &model.FinishPasskeySignUpPayload{}
	payload.User, payload.Tokens = begin(ctx, session, jarOf(ctx, cookie))
	return payload, nil
}

func (m *MutationResolver) StartPasskeySignIn(ctx context.Context, input *model.StartPasskeySignInInput) (*model.StartPasskeySignInPayload, error) {
	if input == nil {
		input = &model.StartPasskeySignInInput{}
	}
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	started, err := m.Passkeys.StartSignIn(ctx, jar != nil)
	if err != nil {
		return nil, err
	}
	return &model.StartPasskeySignInPayload{Options: started.Options, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishPasskeySignIn(ctx context.Context, input model.FinishPasskeySignInInput) (*model.FinishPasskeySignInPayload, error) {
	entered, cookie, err := m.Passkeys.FinishSignIn(ctx, answer("input", input.ContinuationToken, input.Credential))
	if err != nil {
		return nil, err
	}
	payload := &model.FinishPasskeySignInPayload{SecondFactor: newSecondFactor(entered.SecondFactor)}
	payload.User, payload.Tokens = begin(ctx, entered.Session, jarOf(ctx, cookie))
	return payload, nil
}

func (m *MutationResolver) StartPasskeyReauthentication(ctx context.Context) (*model.StartPasskeyReauthenticationPayload, error) {
	started, err := m.Passkeys.StartReauthentication(ctx, auth.ViewerFrom(ctx), auth.JarFrom(ctx).HoldsSession())
	if err != nil {
		return nil, err
	}
	return &model.StartPasskeyReauthenticationPayload{Options: started.Options, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishPasskeyReauthentication(ctx context.Context, input model.FinishPasskeyReauthenticationInput) (*model.FinishPasskeyReauthenticationPayload, error) {
	p, err := m.Passkeys.FinishReauthentication(ctx, auth.ViewerFrom(ctx), answer("input", input.ContinuationToken, input.Credential))
	if err != nil {
		return nil, err
	}
	return &model.FinishPasskeyReauthenticationPayload{User: newProfile(p).User}, nil
}

func answer(path, token string, credential json.RawMessage) passkeys.Answer {
	return passkeys.Answer{Path: path, Token: token, Credential: credential}
}
