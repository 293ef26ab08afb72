package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/anonymous"
	"freehold.dev/freehold/accounts/export"
	"freehold.dev/freehold/accounts/factors"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/accounts/mailcodes"
	"freehold.dev/freehold/accounts/oauth"
	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/accounts/passkeys"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/remote"
)

// identity is how a service knows its viewers: by accounts of its own, or by the tokens of another service.
type identity struct {
	viewer   func(context.Context, http.Header) (auth.Viewer, error)
	accounts *accounts.Service // in a second subgraph, only CheckWrite works

	// nil in a second subgraph
	mailCodes *mailcodes.Service
	anonymous *anonymous.Service
	operators *operators.Service
	oauth     *oauth.Service
	exports   *export.Service
	passkeys  *passkeys.Service
	related   any // the document of /.well-known/webauthn; nil if there are no passkeys
	factors   *factors.Service
	cookies   *auth.Cookies
	hasher    *passwords.Hasher
	keys      *keys.Set
}

func (a *App) identify(ctx context.Context, c config.Config, o Options) (identity, error) {
	if a.program.subgraph {
		return a.identifyByTokens(ctx, c, o)
	}
	return a.identifyByAccounts(ctx, c, o)
}

// identifyByTokens verifies the tokens of another service. It does not ask for the keys yet, so that the two services can start in
// any order.
func (a *App) identifyByTokens(ctx context.Context, c config.Config, o Options) (identity, error) {
	verifier, err := remote.New(remote.Options{
		Issuer: c.Issuer, Audience: c.Audience, Now: o.Now,
		Failed: func(err error) {
			a.log.ErrorContext(ctx, "failed to fetch the keys of FREEHOLD_ISSUER; will retry", "error", err)
		},
	})
	if err != nil {
		return identity{}, fmt.Errorf("verify the tokens of FREEHOLD_ISSUER: %w", err)
	}
	return identity{
		viewer: func(ctx context.Context, header http.Header) (auth.Viewer, error) {
			return auth.Authenticate(ctx, header, verifier)
		},
		accounts: accounts.New(a.db, nil, nil, nil, accounts.Config{RateLimit: c.RateLimit == "on", Limits: c.UseCaseLimits()}),
	}, nil
}

// identifyByAccounts has accounts, and sends their mails.
func (a *App) identifyByAccounts(ctx context.Context, c config.Config, o Options) (who identity, err error) {
	set, err := loadKeys(c, o.Now)
	if err != nil {
		return who, err
	}
	set.Failed = func(err error) {
		a.log.ErrorContext(ctx, "failed to reload the signing keys; the loaded ones stay in use", "error", err)
	}
	secrets := auth.NewSecrets(set)
	if a.mailer, err = a.program.newMailer(c, o, a.db, secrets, a.log, a.telemetry.MailSettled); err != nil {
		return who, err
	}
	reserved, err := reservedUsernames(c.ReservedUsernames)
	if err != nil {
		return who, err
	}
	tokens := auth.NewTokens(set, c.PublicURL, c.AccessTokenTTL, c.TokenAudiences...)
	hashing := passwords.HasherConfig{Queue: c.PasswordQueue, Share: c.PasswordShare}
	if c.RateLimit != "on" {
		hashing.Share = 0
	}
	who.hasher = passwords.NewHasher(ctx, hashing)
	providers, err := newProviders(c, o.Now)
	if err != nil {
		return who, err
	}
	protocol, err := newPasskeys(c)
	if err != nil {
		return who, err
	}
	vault, err := openVault(c)
	if err != nil {
		return who, err
	}
	reauthentication := db.Reauthentication{After: c.ReauthAfter, Accepts: accepts(providers, protocol != nil, vault != nil)}
	service := accounts.New(a.db, secrets, who.hasher, tokens, accounts.Config{
		PasswordMinLength: c.PasswordMinLength, DefaultVisibility: c.DefaultVisibility,
		SessionIdle: c.SessionIdle, SessionLifetime: c.SessionLifetime, RefreshGrace: c.RefreshGrace, Reauthentication: reauthentication,
		CodeLifetime: c.CodeLifetime, UsernameHold: c.UsernameHold, RateLimit: c.RateLimit == "on", Limits: c.UseCaseLimits(), MaxSessions: c.Sessions, ServiceName: c.AppName, ServiceHost: c.Host(),
		RequireVerifiedEmail: c.RequireVerifiedEmail == "on", PendingLifetime: c.PendingLifetime, Breached: breached(c, a.log), Hooks: a.program.Hooks(),
		Reserved: reserved, Now: o.Now, MailLatest: o.MailLatest,
	})
	who.accounts, who.keys = service, set
	limiter := limits.New(a.db, c.UseCaseLimits(), c.RateLimit == "on")
	who.operators = operators.New(a.db, secrets, limiter, operators.Config{Reauthentication: reauthentication, CodeLifetime: c.CodeLifetime, UsernameHold: c.UsernameHold})
	who.oauth = oauth.New(a.db, service, limiter, providers, c.OIDCRedirects)
	who.exports = export.New(a.db, service)
	who.mailCodes = mailcodes.New(a.db, service)
	who.anonymous = anonymous.New(a.db, service, anonymous.Config{On: c.Anonymous == "on", Max: c.AnonymousMax, Idle: c.AnonymousIdle}, a.log)
	if protocol != nil {
		who.related = protocol.RelatedOrigins()
	}
	who.passkeys = passkeys.New(a.db, service, limiter, protocol)
	who.factors = factors.New(a.db, service, limiter, vault, c.AppName, o.Now)
	if err := who.factors.CheckKeys(ctx); err != nil {
		return who, fmt.Errorf("check the secrets of authenticator apps (FREEHOLD_ENCRYPTION_KEY_FILE, FREEHOLD_ENCRYPTION_KEY): %w", err)
	}
	who.cookies = auth.NewCookies(strings.HasPrefix(c.PublicURL, "https://"), c.AccessTokenTTL, c.SessionIdle)
	who.viewer = func(ctx context.Context, header http.Header) (auth.Viewer, error) {
		return auth.AuthenticateBrowser(ctx, header, tokens, service.Sessions)
	}
	return who, nil
}
