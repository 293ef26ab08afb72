package members

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

func (m *MutationResolver) SignUp(ctx context.Context, input model.SignUpInput) (*model.SignUpPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	in := accounts.SignUp{Email: input.Email, Password: input.Password, Username: input.Username}
	in.Key, in.KeyFlaw = idempotencyKey(ctx, input.IdempotencyKey.Value())
	in.Profile = profileFields(input.Profile.Value())
	session, err := m.Accounts.SignUp(ctx, in)
	if err != nil {
		return nil, err
	}
	payload := &model.SignUpPayload{}
	payload.User, payload.Tokens = begin(ctx, session, jar) // none if the address must be verified first
	return payload, nil
}

// idempotencyKey returns the key of a sign-up, from its input or from the request's header. The header can have it in quotes, as
// in the IETF's draft of that header. A blank key in the input means none.
func idempotencyKey(ctx context.Context, given *string) (string, fault.Flaw) {
	header := graphql.GetOperationContext(ctx).Headers.Get("Idempotency-Key")
	quoted := header
	if n := len(header); n >= 2 && header[0] == '"' && header[n-1] == '"' {
		header = header[1 : n-1]
	}
	switch {
	case header == "" && quoted != "":
		return "", fault.Flaw{Code: "INVALID", Message: "The idempotency key must not be empty. Omit it instead."}
	case given == nil || strings.TrimSpace(*given) == "":
		return header, fault.Flaw{}
	case header != "" && header != *given:
		return "", fault.Flaw{Code: "INVALID", Message: "The Idempotency-Key header contains a different key. Send only one key."}
	}
	return *given, fault.Flaw{}
}

func (m *MutationResolver) SignIn(ctx context.Context, input model.SignInInput) (*model.SignInPayload, error) {
	jar, err := jarFor(ctx, input.Session)
	if err != nil {
		return nil, err
	}
	entered, err := m.Accounts.SignIn(ctx, input.Email, input.Password, jar != nil)
	if err != nil {
		return nil, err
	}
	payload := &model.SignInPayload{SecondFactor: newSecondFactor(entered.SecondFactor)}
	payload.User, payload.Tokens = begin(ctx, entered.Session, jar)
	return payload, nil
}

func (m *MutationResolver) RefreshSession(ctx context.Context, input model.RefreshSessionInput) (*model.RefreshSessionPayload, error) {
	tokens, err := m.Accounts.Sessions.Refresh(ctx, input.RefreshToken)
	if err != nil {
		return nil, err
	}
	return &model.RefreshSessionPayload{Tokens: newTokens(tokens)}, nil
}

func (m *MutationResolver) SignOut(ctx context.Context, input *model.SignOutInput) (*model.SignOutPayload, error) {
	viewer, refreshToken := auth.ViewerFrom(ctx), ""
	if input != nil {
		if given := input.RefreshToken.Value(); given != nil {
			refreshToken = strings.TrimSpace(*given)
		}
	}
	revoked, err := m.Accounts.Sessions.SignOut(ctx, viewer, refreshToken)
	if err != nil {
		return nil, err
	}
	payload := &model.SignOutPayload{Success: true}
	if revoked != uuid.Nil {
		id := revoked.String()
		payload.RevokedSessionID = &id
	}
	if refreshToken == "" || revoked == viewer.SessionID {
		auth.JarFrom(ctx).SignOut()
	}
	return payload, nil
}

// jarFor returns the jar for the cookies of a new session; nil if the client wants tokens.
func jarFor(ctx context.Context, session graphql.Omittable[*model.SessionTransport]) (*auth.Jar, error) {
	if t := session.Value(); t == nil || *t != model.SessionTransportCookie {
		return nil, nil //nolint:nilnil // documented
	}
	jar := auth.JarFrom(ctx)
	if jar == nil {
		return nil, fault.New(fault.Forbidden, "Only pages of the service's own origin can use cookies. Request tokens instead.")
	}
	return jar, nil
}

// handOver returns the tokens of a session for the payload. If the client wants cookies, it puts them into the jar and returns
// nil.
func handOver(t *accounts.Tokens, jar *auth.Jar) *model.Tokens {
	if jar == nil {
		return newTokens(t)
	}
	jar.Put(t)
	return nil
}

func (q *QueryResolver) Me(ctx context.Context) (*model.User, error) {
	viewer := auth.ViewerFrom(ctx)
	switch {
	case viewer.Reason != "": // the client sent a token, so it believes that the user is signed in
		return nil, fault.SignIn(viewer.Reason)
	case !viewer.IsMember():
		return nil, nil //nolint:nilnil // me is null without a token
	}
	if !asksPrivate(ctx) {
		return userOrNull(q.DB.FindProfileOfUser(ctx, viewer, viewer.UserID))
	}
	p, private, err := q.DB.FindOwn(ctx, viewer)
	if err == nil {
		resolvers.Remember(ctx, privateKey{viewer.UserID}, private)
	}
	return userOrNull(p, err)
}

func (u *UserResolver) Email(ctx context.Context, obj *model.User) (*string, error) {
	row, err := private(ctx, u.Resolvers, obj.Owner)
	if row == nil || row.Email == "" {
		return nil, err
	}
	return &row.Email, nil
}

func (u *UserResolver) EmailVerified(ctx context.Context, obj *model.User) (*bool, error) {
	row, err := private(ctx, u.Resolvers, obj.Owner)
	if row == nil {
		return nil, err
	}
	verified := row.EmailVerifiedAt != nil
	return &verified, nil
}
