package members

import (
	"context"

	"freehold.dev/freehold/accounts/oauth"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/graph/model"
)

func (m *MutationResolver) StartOAuth(ctx context.Context, input model.StartOAuthInput) (*model.StartOAuthPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	in := oauth.Start{Provider: input.Provider, RedirectTo: input.RedirectTo, Profile: profileFields(input.Profile.Value()), Cookie: jar != nil}
	if name := input.Username.Value(); name != nil {
		in.Username = *name
	}
	started, err := m.OAuth.Start(ctx, in)
	if err != nil {
		return nil, err
	}
	return &model.StartOAuthPayload{AuthorizationURL: started.AuthorizationURL, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishOAuth(ctx context.Context, input model.FinishOAuthInput) (*model.FinishOAuthPayload, error) {
	entered, cookie, err := m.OAuth.Finish(ctx, providerAnswer(input.ContinuationToken, input.Code, input.State, input.Iss.Value()))
	if err != nil {
		return nil, err
	}
	payload := &model.FinishOAuthPayload{SecondFactor: newSecondFactor(entered.SecondFactor), PendingSignUp: newPendingSignUp(entered.SignUp)}
	payload.User, payload.Tokens = begin(ctx, entered.Session, jarOf(ctx, cookie))
	return payload, nil
}

func providerAnswer(token, code, state string, iss *string) oauth.Answer {
	a := oauth.Answer{ContinuationToken: token, Code: code, State: state}
	if iss != nil {
		a.Issuer = *iss
	}
	return a
}

func (m *MutationResolver) StartOAuthLink(ctx context.Context, input model.StartOAuthLinkInput) (*model.StartOAuthLinkPayload, error) {
	started, err := m.OAuth.StartLink(ctx, auth.ViewerFrom(ctx), oauth.Start{Provider: input.Provider, RedirectTo: input.RedirectTo})
	if err != nil {
		return nil, err
	}
	return &model.StartOAuthLinkPayload{AuthorizationURL: started.AuthorizationURL, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishOAuthLink(ctx context.Context, input model.FinishOAuthLinkInput) (*model.FinishOAuthLinkPayload, error) {
	c, err := m.OAuth.FinishLink(ctx, auth.ViewerFrom(ctx), providerAnswer(input.ContinuationToken, input.Code, input.State, input.Iss.Value()))
	if err != nil || c == nil {
		return nil, err
	}
	return &model.FinishOAuthLinkPayload{Credential: newCredential(c)}, nil
}

func (m *MutationResolver) StartOAuthReauthentication(ctx context.Context, input model.StartOAuthReauthenticationInput) (*model.StartOAuthReauthenticationPayload, error) {
	started, err := m.OAuth.StartReauthentication(ctx, auth.ViewerFrom(ctx), oauth.Start{Provider: input.Provider, RedirectTo: input.RedirectTo})
	if err != nil {
		return nil, err
	}
	return &model.StartOAuthReauthenticationPayload{AuthorizationURL: started.AuthorizationURL, ContinuationToken: started.Token, ExpiresAt: started.ExpiresAt}, nil
}

func (m *MutationResolver) FinishOAuthReauthentication(ctx context.Context, input model.FinishOAuthReauthenticationInput) (*model.FinishOAuthReauthenticationPayload, error) {
	p, err := m.OAuth.FinishReauthentication(ctx, auth.ViewerFrom(ctx), providerAnswer(input.ContinuationToken, input.Code, input.State, input.Iss.Value()))
	if err != nil {
		return nil, err
	}
	return &model.FinishOAuthReauthenticationPayload{User: newProfile(p).User}, nil
}

// oauthProviders returns the providers for front ends.
func (q *QueryResolver) oauthProviders() []*model.OAuthProvider {
	list := []*model.OAuthProvider{}
	for _, p := range q.OAuth.Providers() {
		list = append(list, &model.OAuthProvider{Name: p.Name, Label: p.Label})
	}
	return list
}
