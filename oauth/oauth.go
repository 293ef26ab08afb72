// Package oauth owns the conversation with providers: it is a client of OpenID Connect 1.0 and, for GitHub, of OAuth 2.0 (RFC 6749). It
// sends users to a provider with PKCE (RFC 7636), state and nonce, exchanges the code that comes back, checks who has issued it (RFC 9207),
// and returns whom the provider names. It must not know accounts, GraphQL or SQL: package accounts/oauth decides what an identity is for.
package oauth

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Settings describe a provider.
type Settings struct {
	Name         string // lower-case letters and digits; it is in URLs and in the API
	Label        string // for users, such as Google
	Preset       Preset // "" for any other provider of OpenID Connect
	Issuer       string // an https URL without a slash at its end, unless the provider's has one
	ClientID     string
	ClientSecret string            // "" for a public client, and for Apple
	Apple        AppleKey          // with the preset Apple
	Scopes       []string          // nil for those of the preset
	Claims       map[string]string // which claims to read, by what they are for; see ParseClaims
	RedirectURL  string            // of this service, where the provider sends users back to
	Now          func() time.Time  // nil for time.Now
}

// AppleKey is the key with which a client of Apple signs its client secrets.
type AppleKey struct {
	TeamID, KeyID string
	Key           *ecdsa.PrivateKey // P-256
}

// Errors of a conversation. They wrap their cause, which is for the log.
var (
	// ErrUnavailable means that the provider does not answer, answers nonsense, or refuses this service's own credentials.
	ErrUnavailable = errors.New("the provider is unavailable")
	// ErrRefused means that the provider refuses the code, or that its answer is not for this flow.
	ErrRefused = errors.New("the provider's answer is not for this flow")
	// ErrIssuer means that another provider has sent the user back (RFC 9207).
	ErrIssuer = errors.New("the answer is that of another provider")
	// ErrNotAgain means that the provider did not authenticate the user again.
	ErrNotAgain = errors.New("the provider did not authenticate the user again")
)

// patience bounds a conversation with a provider, since a user is waiting.
const patience = 5 * time.Second

// Provider is a provider that users can sign in with. It is safe for concurrent use.
type Provider struct {
	Name, Label string
	settings    Settings
	openID      *discovery // nil for GitHub
}

// New returns a provider. It sends no request yet, so a service starts while a provider is down.
func New(s Settings) *Provider {
	if s.Now == nil {
		s.Now = time.Now
	}
	p := &Provider{Name: s.Name, Label: s.Label, settings: s}
	if s.Preset != GitHub {
		p.openID = &discovery{issuer: s.Issuer, now: s.Now}
	}
	return p
}

// Issuer identifies the provider: a subject is unique for an issuer.
func (p *Provider) Issuer() string { return p.settings.Issuer }

// CanReauthenticate reports whether the provider can be asked to authenticate a user again, which OpenID Connect has and OAuth has not.
func (p *Provider) CanReauthenticate() bool { return p.openID != nil }

// PostsBack reports whether the provider sends users back with a POST.
func (p *Provider) PostsBack() bool { return p.settings.Preset == Apple }

// Request is what a flow sends to the provider.
type Request struct {
	State, Nonce, Verifier string // of the flow; NewSecret returns such texts
	Again                  bool   // whether the provider shall authenticate the user even if they are signed in there
}

// NewSecret returns a random text of 256 bits, for a state, a nonce or a PKCE verifier.
func NewSecret() string { return oauth2.GenerateVerifier() }

// AuthorizationURL returns where to send the user. The error is ErrUnavailable.
func (p *Provider) AuthorizationURL(ctx context.Context, r Request) (string, error) {
	ctx, cancel := p.converse(ctx)
	defer cancel()
	config, _, err := p.config(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.Verifier)}
	if p.openID != nil {
		options = append(options, oauth2.SetAuthURLParam("nonce", r.Nonce))
	}
	if p.PostsBack() {
		options = append(options, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	if r.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return config.AuthCodeURL(r.State, options...), nil
}

// Answer is what the provider sent back with the user, and what the flow knows.
type Answer struct {
	Code            string
	Issuer          string    // the parameter iss; "" if there is none
	Nonce, Verifier string    // of the flow
	Since           time.Time // the provider must have authenticated the user since then; the zero value is any time
}

// Identity is whom a provider names.
type Identity struct {
	Issuer, Subject string // together they identify the user
	Email           string // "" if the provider names none
	EmailVerified   bool   // whether the provider has verified that the user has the address
	Username, Name  string // what the provider calls the user; "" if it does not say, or if no claim is configured
}

// Identify exchanges the code of an answer for the identity of the user. The errors are ErrUnavailable, ErrRefused, ErrIssuer and
// ErrNotAgain. The user can try again with the same answer only after ErrUnavailable.
func (p *Provider) Identify(ctx context.Context, a Answer) (*Identity, error) {
	ctx, cancel := p.converse(ctx)
	defer cancel()
	config, metadata, err := p.config(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !p.hasIssued(a, metadata) {
		return nil, ErrIssuer
	}
	token, err := config.Exchange(ctx, a.Code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, exchangeError(err)
	}
	var found *Identity
	if p.openID == nil {
		found, err = p.identifyAtGitHub(ctx, token)
	} else {
		found, err = p.identifyByToken(ctx, metadata, token, a)
	}
	if err != nil {
		return nil, err
	}
	found.Issuer = p.settings.Issuer
	return found, found.check()
}

// hasIssued checks the parameter iss of an answer. A provider that sends it must have sent it.
func (p *Provider) hasIssued(a Answer, m *metadata) bool {
	if a.Issuer == "" {
		return m == nil || !m.SendsIssuer
	}
	return a.Issuer == p.settings.Issuer || m == nil && a.Issuer == p.settings.Issuer+"/login/oauth"
}

// exchangeError says whether the provider refuses the code, or anything else.
func exchangeError(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && (refused.ErrorCode == "invalid_grant" || refused.ErrorCode == "bad_verification_code") {
		return fmt.Errorf("%w: %s", ErrRefused, refused.ErrorCode)
	} else if ok {
		return fmt.Errorf("%w: the token endpoint answered %d %s", ErrUnavailable, refused.Response.StatusCode, refused.ErrorCode)
	}
	return fmt.Errorf("%w: exchange the code: %w", ErrUnavailable, withoutURL(err))
}

// withoutURL omits the URL that net/http adds to an error, since it may contain a secret.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// maxSubject is the longest subject, in bytes (OpenID Connect Core, 2).
const maxSubject = 255

func (i *Identity) check() error {
	if i.Subject == "" || len(i.Subject) > maxSubject || strings.ContainsRune(i.Subject, 0) {
		return fmt.Errorf("%w: it names no subject of 1 to %d bytes", ErrUnavailable, maxSubject)
	}
	i.EmailVerified = i.EmailVerified && i.Email != ""
	return nil
}

// Check returns an error if the provider does not say what it is expected to say about itself. GitHub has nothing to ask.
func (p *Provider) Check(ctx context.Context) error {
	ctx, cancel := p.converse(ctx)
	defer cancel()
	_, _, err := p.config(ctx)
	return err
}

// config returns the client of the provider, with what the provider says about itself; nil for GitHub.
func (p *Provider) config(ctx context.Context) (*oauth2.Config, *metadata, error) {
	c := &oauth2.Config{ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret, RedirectURL: p.settings.RedirectURL, Scopes: p.scopes()}
	if p.openID == nil {
		c.Endpoint = gitHubEndpoint(p.settings.Issuer)
		return c, nil, nil
	}
	m, err := p.openID.find(ctx)
	if err != nil {
		return nil, nil, err
	}
	c.Endpoint = m.endpoint()
	if p.settings.Preset == Apple {
		if c.ClientSecret, err = p.appleSecret(); err != nil {
			return nil, nil, err
		}
	}
	return c, m, nil
}
