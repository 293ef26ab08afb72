package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// discoverAfter is how long what a provider says about itself is used without asking again.
const discoverAfter = time.Hour

// clockSkew is how much a provider's clock may differ from ours.
const clockSkew = time.Minute

// metadata is what a provider says about itself (OpenID Connect Discovery 1.0, 3).
type metadata struct {
	provider    *oidc.Provider
	SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207, 3
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	UserInfo    string   `json:"userinfo_endpoint"`
}

// endpoint chooses how the client authenticates. Otherwise, x/oauth2 would try both ways, and use up the code with the first.
func (m *metadata) endpoint() oauth2.Endpoint {
	e := m.provider.Endpoint()
	e.AuthStyle = oauth2.AuthStyleInHeader // the default of the specification
	if len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, "client_secret_basic") {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return e
}

// discovery finds and keeps the metadata of a provider. At most one request is under way. It outlives the request of the user that
// causes it, since others may wait for it, too.
type discovery struct {
	issuer string
	now    func() time.Time

	group singleflight.Group
	mu    sync.Mutex
	found *metadata
	at    time.Time
}

// find returns the metadata. If the provider cannot be reached, the metadata that were found before are used.
func (d *discovery) find(ctx context.Context) (*metadata, error) {
	d.mu.Lock()
	found, at := d.found, d.at
	d.mu.Unlock()
	if age := d.now().Sub(at); found != nil && age >= 0 && age < discoverAfter {
		return found, nil
	}
	discovered := d.group.DoChan("", func() (any, error) { return d.discover(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-discovered:
		if fresh, ok := r.Val.(*metadata); ok && r.Err == nil {
			return fresh, nil
		} else if found != nil {
			return found, nil
		}
		return nil, r.Err
	}
}

func (d *discovery) discover(ctx context.Context) (*metadata, error) {
	provider, err := oidc.NewProvider(ctx, d.issuer) // with the time-out of the client
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", d.issuer, err)
	}
	m := &metadata{provider: provider}
	if err := provider.Claims(m); err != nil {
		return nil, fmt.Errorf("discover %s: %w", d.issuer, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found, d.at = m, d.now()
	return m, nil
}

// identifyByToken returns the identity in an ID token, after the checks of OpenID Connect Core, 3.1.3.7.
func (p *Provider) identifyByToken(ctx context.Context, m *metadata, token *oauth2.Token, a Answer) (*Identity, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, fmt.Errorf("%w: it sent no ID token", ErrUnavailable)
	}
	verified, err := m.provider.Verifier(&oidc.Config{ClientID: p.settings.ClientID, Now: p.settings.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, tokenError(ctx, err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(a.Nonce)) != 1 {
		return nil, fmt.Errorf("%w: the nonce is another one", ErrRefused)
	}
	if verified.AccessTokenHash != "" {
		if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	var claims claims
	if err := verified.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: read the ID token: %w", ErrUnavailable, err)
	}
	if at, _ := claims["auth_time"].(float64); !a.Since.IsZero() && (at == 0 || time.Unix(int64(at), 0).Before(a.Since.Add(-clockSkew))) {
		return nil, ErrNotAgain
	}
	if _, named := claims[p.settings.claim(forEmail)]; !named && m.UserInfo != "" {
		if claims, err = askForClaims(ctx, m.provider, token, verified.Subject); err != nil {
			return nil, err
		}
	}
	return &Identity{
		Subject: verified.Subject, Email: claims.text(p.settings.claim(forEmail)), EmailVerified: claims.truth(p.settings.claim(forVerification)),
		Username: claims.text(p.settings.claim(forUsername)), Name: claims.text(p.settings.claim(forName)),
	}, nil
}

// tokenError says whether an ID token is invalid, or could not be checked.
func tokenError(ctx context.Context, err error) error {
	if ctx.Err() != nil || isUnreachable(err) {
		return fmt.Errorf("%w: check the ID token: %w", ErrUnavailable, withoutURL(err))
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

func isUnreachable(err error) bool {
	_, temporary := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return temporary
}

// askForClaims asks the user info endpoint, for providers whose ID tokens have only a subject.
func askForClaims(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, subject string) (claims, error) {
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("%w: ask for the user: %w", ErrUnavailable, withoutURL(err))
	}
	if info.Subject != subject { // OpenID Connect Core, 5.3.2
		return nil, fmt.Errorf("%w: the user info is about another subject", ErrRefused)
	}
	found := claims{}
	if err := info.Claims(&found); err != nil {
		return nil, fmt.Errorf("%w: read the user info: %w", ErrUnavailable, err)
	}
	return found, nil
}

// claims are what a provider says about a user, by name.
type claims map[string]any

func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

// truth reads a claim that is true. Some providers send it as a text or a number.
func (c claims) truth(name string) bool {
	switch c[name] {
	case true, "true", "1", float64(1):
		return true
	}
	return false
}
