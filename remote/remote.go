// Package remote owns how another service accepts freehold's access tokens: it verifies them with the public keys that freehold
// publishes (JWKS), and puts the viewer into the context of a request. It must not know SQL or GraphQL.
//
// It checks the token only, and never asks freehold about a session. So a session that was revoked keeps working here until its
// access token expires, 15 minutes after it was issued by default. The same applies to accounts that were deleted or disabled. Set
// FREEHOLD_ACCESS_TOKEN_TTL to the longest time that you can accept.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

const maxLeeway = 5 * time.Minute

// Options say which tokens a Verifier accepts, and where it finds the keys.
type Options struct {
	Issuer   string // FREEHOLD_PUBLIC_URL of the service that issues the tokens
	Audience string // one of its FREEHOLD_TOKEN_AUDIENCES: the name or URL of your service
	JWKSURL  string // default: /.well-known/jwks.json of the issuer. Use https, unless you trust the network

	Client *http.Client     // fetches the keys; nil: one that follows no redirect. A fetch takes at most five seconds
	Leeway time.Duration    // by how much the issuer's clock may differ, at most 5m; 0: auth.DefaultLeeway
	Now    func() time.Time // the clock; nil: time.Now
	Failed func(error)      // is called if the keys cannot be fetched, to log the error; nil ignores it
}

// Verifier verifies the access tokens of one freehold for one service. It can be used concurrently.
type Verifier struct {
	reader *auth.AccessReader
	keys   *keySource
}

var _ auth.Verifier = (*Verifier)(nil)

// New returns a Verifier. It fetches the keys when it verifies the first token. The error names the option that is invalid.
func New(o Options) (*Verifier, error) {
	issuer := strings.TrimSuffix(o.Issuer, "/") // as freehold does with its public URL
	if o.JWKSURL == "" {
		o.JWKSURL = issuer + "/.well-known/jwks.json"
	}
	switch {
	case !isHTTP(issuer):
		return nil, errors.New("remote: Issuer must be the http or https URL of freehold")
	case o.Audience == "":
		return nil, errors.New("remote: Audience is required")
	case !isHTTP(o.JWKSURL):
		return nil, errors.New("remote: JWKSURL must be an http or https URL")
	case o.Leeway < 0 || o.Leeway > maxLeeway:
		return nil, fmt.Errorf("remote: Leeway must be between 0 and %v", maxLeeway)
	}
	if o.Leeway == 0 {
		o.Leeway = auth.DefaultLeeway
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Verifier{
		reader: auth.NewAccessReader(auth.ReaderOptions{Issuer: issuer, Audience: o.Audience, Leeway: o.Leeway, Now: o.Now}),
		keys:   &keySource{url: o.JWKSURL, client: o.Client, timeout: fetchTimeout, now: o.Now, report: o.Failed},
	}, nil
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// Verify implements auth.Verifier. An invalid token is not an error: the viewer is anonymous, with the reason. The error is
// UNAVAILABLE if there are no keys, or if the token names an unknown key and the keys could not be fetched again.
func (v *Verifier) Verify(ctx context.Context, token string) (auth.Access, error) {
	keys, err := v.keys.current(ctx)
	if err != nil {
		return auth.Access{}, err
	}
	access, known := v.reader.Read(keys, token)
	if known {
		return dated(access), nil
	}
	newer, err := v.keys.after(ctx, keys)
	if err != nil {
		return auth.Access{}, err
	}
	if newer != keys {
		access, _ = v.reader.Read(newer, token)
	}
	return dated(access), nil
}

// dated returns an access whose viewer knows until when the token is valid, for a database that has no sessions.
func dated(access auth.Access) auth.Access {
	access.Viewer.Until = access.Until
	return access
}

// Handler puts the viewer that the Authorization header names into the context; auth.ViewerFrom returns it. A missing, invalid or
// expired token does not fail the request: the viewer is anonymous, and the response to an invalid or expired token has the header
// WWW-Authenticate (RFC 6750). Only if the keys are unavailable, a request with a token gets status 503, because next would
// mistake a member for an anonymous viewer.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, err := auth.Authenticate(r.Context(), r.Header, v)
		if err != nil {
			writeUnavailable(w, err)
			return
		}
		if viewer.Reason != "" {
			w.Header().Set("WWW-Authenticate", auth.Challenge(viewer.Reason))
		}
		next.ServeHTTP(w, r.WithContext(auth.WithViewer(r.Context(), viewer)))
	})
}

func writeUnavailable(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = fault.Busy(err)
	}
	w.Header().Set("Retry-After", strconv.Itoa(f.RetrySeconds()))
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, string(f.Code)+": "+f.Message, http.StatusServiceUnavailable)
}
