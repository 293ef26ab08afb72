package members

import (
	"context"
	"time"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

func (q *QueryResolver) Settings(context.Context) (*model.Settings, error) {
	s := q.Resolvers.Accounts.Settings()
	length := func(l input.Length) *model.Length { return &model.Length{Min: l.Min, Max: l.Max} }
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	return &model.Settings{
		PasswordLength: length(s.Password), UsernameLength: length(s.Username), DisplayNameLength: length(s.DisplayName),
		BioLength: length(s.Bio), LocationLength: length(s.Location),
		VerifiedEmailRequired: s.RequireVerifiedEmail, DefaultVisibility: owned.Visibility(s.DefaultVisibility),
		CodeLifetimeSeconds: seconds(s.CodeLifetime), ReauthenticationSeconds: seconds(s.ReauthAfter), UsernameHoldSeconds: seconds(s.UsernameHold),
		OauthProviders:    q.oauthProviders(),
		AnonymousAccounts: q.Anonymous.On(),
		Passkeys:          q.Passkeys.Available(),
		TotpAvailable:     q.Factors.HasTOTP(),
		RequestLimits: &model.RequestLimits{
			PageSize: db.MaxPage, DefaultPageSize: resolvers.DefaultPage, NodeIds: resolvers.MaxNodes,
			Cost: q.Limits.Cost, Depth: q.Limits.Depth, Aliases: q.Limits.Aliases, Tokens: q.Limits.Tokens, Bytes: q.Limits.Bytes, ReplyBytes: q.Limits.Reply,
		},
	}, nil
}
