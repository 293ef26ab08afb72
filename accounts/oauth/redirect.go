package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/oauth"
)

// The provider always sends users back to a URL of this service, one for each provider: so an operator registers one URL, and an answer of
// one provider is never taken for that of another, even if neither sends iss (RFC 9700, 4.4.2). What happens there depends on the state:
//
//	<target>.<random>   a front end waits at a redirect URL, which the target names: the answer is forwarded there, for Finish
//	<token>             a flow by redirect: FinishByRedirect
//
// A target is a hash of the provider and the redirect URL. Only URLs of the list have one, so nothing else can be reached.

// target names a redirect URL in a state.
func target(provider, redirectTo string) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + redirectTo))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func (s *Service) newState(provider, redirectTo string) string {
	return target(provider, redirectTo) + "." + oauth.NewSecret()
}

// ForwardTo returns the redirect URL to which the answer of a provider is forwarded; "" if the state is that of a flow by redirect, or
// names no redirect URL.
func (s *Service) ForwardTo(provider, state string) string {
	named, _, ok := strings.Cut(state, ".")
	if !ok {
		return ""
	}
	for _, url := range s.redirects {
		if target(provider, url) == named {
			return url
		}
	}
	return ""
}

// FirstRedirect returns the redirect URL for users whose flow is unknown, because it has expired or belongs to another browser.
func (s *Service) FirstRedirect() string { return s.redirects[0] }

// StartByRedirect begins a sign-in or sign-up of a browser, which FinishByRedirect continues. It returns where to send the browser. The
// browser is recognised by its cookie.
func (s *Service) StartByRedirect(ctx context.Context, in Start) (url string, err error) {
	in.Cookie = true
	started, err := s.start(ctx, signInByRedirect, in, fault.Faults{}, s.accounts.Flows.Start)
	if err != nil {
		return "", err
	}
	return started.AuthorizationURL, nil
}

// FinishByRedirect is Finish for a browser that the provider has sent back. It also returns the redirect URL; "" if this browser has not
// started the flow. Without a code, the provider has refused, and only the redirect URL is returned.
func (s *Service) FinishByRedirect(ctx context.Context, provider string, a Answer) (entered *accounts.Entered, redirectTo string, err error) {
	a.ContinuationToken, a.State = a.State, ""
	var f flow
	if _, err := s.accounts.Flows.Find(ctx, signInByRedirect, "state", a.ContinuationToken, &f); err != nil {
		return nil, "", err
	}
	if f.Provider != provider {
		return nil, "", explain(oauth.ErrIssuer)
	}
	if a.Code == "" {
		return nil, f.RedirectTo, nil
	}
	f, found, i, err := s.identify(ctx, signInByRedirect, uuid.Nil, a)
	if err != nil {
		return nil, f.RedirectTo, err
	}
	entered, err = s.enter(ctx, f, found, i)
	return entered, f.RedirectTo, err
}
