package members

import (
	"context"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

// begin makes the owner of a session the viewer of the rest of this root field, and returns their user and the tokens of the session.
// If the client wants cookies, it puts the tokens into the jar and returns none. Without a session, it does nothing.
func begin(ctx context.Context, session *accounts.SignedIn, jar *auth.Jar) (*model.User, *model.Tokens) {
	if session == nil {
		return nil, nil
	}
	auth.Become(ctx, session.Viewer)
	return newProfile(session.Profile).User, handOver(&session.Tokens, jar)
}

// jarOf returns the jar for the cookies of the session that a flow starts; nil if the client wants tokens. The flow was found by a cookie.
func jarOf(ctx context.Context, cookie bool) *auth.Jar {
	if !cookie {
		return nil
	}
	return auth.JarFrom(ctx)
}

func newSecondFactor(f *accounts.SecondFactor) *model.SecondFactorChallenge {
	if f == nil {
		return nil
	}
	return &model.SecondFactorChallenge{
		ContinuationToken: f.Token, ExpiresAt: f.ExpiresAt, Factors: []model.SecondFactor{model.SecondFactorTotp, model.SecondFactorRecoveryCode},
	}
}

func newPendingSignUp(p *accounts.PendingSignUp) *model.PendingSignUp {
	if p == nil {
		return nil
	}
	return &model.PendingSignUp{ContinuationToken: p.Token, ExpiresAt: p.ExpiresAt, Needs: model.SignUpNeedNeedsUsername}
}

func (m *MutationResolver) CompleteSignUp(ctx context.Context, input model.CompleteSignUpInput) (*model.CompleteSignUpPayload, error) {
	session, cookie, err := m.Accounts.CompleteSignUp(ctx, input.ContinuationToken, input.Username, profileFields(input.Profile.Value()))
	if err != nil {
		return nil, err
	}
	payload := &model.CompleteSignUpPayload{}
	payload.User, payload.Tokens = begin(ctx, session, jarOf(ctx, cookie))
	return payload, nil
}

// profileFields returns the fields of a profile that the client sent.
func profileFields(f *model.ProfileFieldsInput) db.ProfileFields {
	if f == nil {
		return db.ProfileFields{}
	}
	return db.ProfileFields{
		DisplayName: resolvers.Patch(f.DisplayName), Bio: resolvers.Patch(f.Bio), AvatarURL: resolvers.Patch(f.AvatarURL), WebsiteURL: resolvers.Patch(f.WebsiteURL),
		Location: resolvers.Patch(f.Location), Visibility: visibilityPatch(f.Visibility), Birthday: resolvers.Patch(f.Birthday), PhoneNumber: resolvers.Patch(f.PhoneNumber),
	}
}
