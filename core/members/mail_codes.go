package members

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/accounts/mailcodes"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
)

func (m *MutationResolver) RequestSignInCode(ctx context.Context, input model.RequestSignInCodeInput) (*model.RequestSignInCodePayload, error) {
	in := mailcodes.Request{Email: input.Email, Username: unlessBlank(input.Username)}
	if f := input.Profile.Value(); f != nil {
		fields := profileFields(f)
		in.Profile = &fields
	}
	if err := m.MailCodes.RequestCode(ctx, in); err != nil {
		return nil, err
	}
	return &model.RequestSignInCodePayload{Success: true}, nil
}

func (m *MutationResolver) SignInWithCode(ctx context.Context, input model.SignInWithCodeInput) (*model.SignInWithCodePayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	signedIn, err := m.MailCodes.SignIn(ctx, mailcodes.SignIn{Email: input.Email, Code: input.Code, Username: unlessBlank(input.Username), Cookie: jar != nil})
	if err != nil {
		return nil, err
	}
	payload := &model.SignInWithCodePayload{
		SecondFactor: newSecondFactor(signedIn.SecondFactor), PendingSignUp: newPendingSignUp(signedIn.SignUp), PasswordCleared: signedIn.PasswordCleared,
	}
	payload.User, payload.Tokens = begin(ctx, signedIn.Session, jar)
	return payload, nil
}

func (m *MutationResolver) ReauthenticateWithCode(ctx context.Context, input model.ReauthenticateWithCodeInput) (*model.ReauthenticateWithCodePayload, error) {
	p, err := m.MailCodes.Reauthenticate(ctx, auth.ViewerFrom(ctx), input.Code)
	if err != nil {
		return nil, err
	}
	return &model.ReauthenticateWithCodePayload{User: newProfile(p).User}, nil
}

func (m *MutationResolver) EnableSignInCodes(ctx context.Context) (*model.EnableSignInCodesPayload, error) {
	p, err := m.MailCodes.Enable(ctx, auth.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &model.EnableSignInCodesPayload{User: newProfile(p).User}, nil
}

// unlessBlank returns an optional text. A blank one is the same as an absent one.
func unlessBlank(o graphql.Omittable[*string]) *string {
	if text := o.Value(); text != nil && strings.TrimSpace(*text) != "" {
		return text
	}
	return nil
}
