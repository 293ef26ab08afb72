package members

import (
	"context"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
)

func (m *MutationResolver) RequestEmailVerification(ctx context.Context, input model.RequestEmailVerificationInput) (*model.RequestEmailVerificationPayload, error) {
	if err := m.Accounts.RequestEmailVerification(ctx, input.Email); err != nil {
		return nil, err
	}
	return &model.RequestEmailVerificationPayload{Success: true}, nil
}

func (m *MutationResolver) VerifyEmail(ctx context.Context, input model.VerifyEmailInput) (*model.VerifyEmailPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	proof := accounts.Proof{Email: input.Email, Code: input.Code, Password: input.Password.Value()}
	if given := input.Passkey.Value(); given != nil {
		if proof.Passkey, err = m.Passkeys.Prove(ctx, answer("input.passkey", given.ContinuationToken, given.Credential)); err != nil {
			return nil, err
		}
	}
	v, err := m.Accounts.VerifyEmail(ctx, auth.ViewerFrom(ctx), proof)
	if err != nil {
		return nil, err
	}
	payload := &model.VerifyEmailPayload{User: newProfile(v.Profile).User, PasswordCleared: v.PasswordCleared}
	if v.Session != nil {
		auth.Become(ctx, v.Session.Viewer)
		payload.Tokens = handOver(&v.Session.Tokens, jar)
	}
	return payload, nil
}

func (m *MutationResolver) RequestPasswordReset(ctx context.Context, input model.RequestPasswordResetInput) (*model.RequestPasswordResetPayload, error) {
	if err := m.Accounts.RequestPasswordReset(ctx, input.Email); err != nil {
		return nil, err
	}
	return &model.RequestPasswordResetPayload{Success: true}, nil
}

func (m *MutationResolver) ResetPassword(ctx context.Context, input model.ResetPasswordInput) (*model.ResetPasswordPayload, error) {
	if err := m.Accounts.ResetPassword(ctx, input.Email, input.Code, input.NewPassword); err != nil {
		return nil, err
	}
	return &model.ResetPasswordPayload{Success: true}, nil
}

func (m *MutationResolver) ChangePassword(ctx context.Context, input model.ChangePasswordInput) (*model.ChangePasswordPayload, error) {
	p, err := m.Accounts.ChangePassword(ctx, auth.ViewerFrom(ctx), input.CurrentPassword, input.NewPassword)
	if err != nil {
		return nil, err
	}
	return &model.ChangePasswordPayload{User: newProfile(p).User}, nil
}

func (m *MutationResolver) ChangeEmail(ctx context.Context, input model.ChangeEmailInput) (*model.ChangeEmailPayload, error) {
	p, err := m.Accounts.RequestEmailChange(ctx, auth.ViewerFrom(ctx), input.NewEmail)
	if err != nil {
		return nil, err
	}
	return &model.ChangeEmailPayload{User: newProfile(p).User}, nil
}

func (m *MutationResolver) ChangeUsername(ctx context.Context, input model.ChangeUsernameInput) (*model.ChangeUsernamePayload, error) {
	p, err := m.Accounts.ChangeUsername(ctx, auth.ViewerFrom(ctx), input.Username)
	if err != nil {
		return nil, err
	}
	return &model.ChangeUsernamePayload{Profile: newProfile(p)}, nil
}

func (m *MutationResolver) DeleteAccount(ctx context.Context, input model.DeleteAccountInput) (*model.DeleteAccountPayload, error) {
	p, err := m.Accounts.DeleteAccount(ctx, auth.ViewerFrom(ctx), input.Password.Value())
	if err != nil {
		return nil, err
	}
	auth.JarFrom(ctx).SignOut()
	return &model.DeleteAccountPayload{DeletedUserID: p.UserID.String(), DeletedProfileID: p.ID.String()}, nil
}
