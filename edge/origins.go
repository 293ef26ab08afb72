package edge

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rs/cors"

	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/fault"
)

// origins decides which pages may call the service. Its own pages may use cookies. Pages of configured origins may use tokens. Other
// pages are refused.
type origins struct {
	own     *http.CrossOriginProtection
	allowed *http.CrossOriginProtection
	cors    *cors.Cors // nil if no origin is configured
}

// clientHeaders are what GraphQL clients and tracing libraries send.
var clientHeaders = []string{
	"Accept", "Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id",
	"Traceparent", "Tracestate", "Baggage", "Sentry-Trace",
	"Apollographql-Client-Name", "Apollographql-Client-Version", "X-Apollo-Operation-Name", "X-Apollo-Operation-Id", "Apollo-Require-Preflight",
}

// newOrigins also accepts the origin of the public URL as the service's own, since a proxy may rewrite Host.
func newOrigins(o Options) (*origins, error) {
	found := &origins{own: http.NewCrossOriginProtection(), allowed: http.NewCrossOriginProtection()}
	allowed := slices.Clone(o.CORSOrigins)
	if u, err := url.Parse(o.PublicURL); err == nil {
		if own, ok := address.ParseOrigin(u.Scheme + "://" + u.Host); ok {
			allowed = append(allowed, own)
			if err := found.own.AddTrustedOrigin(own); err != nil {
				return nil, fmt.Errorf("FREEHOLD_PUBLIC_URL: %w", err)
			}
		}
	}
	for _, origin := range allowed {
		if err := found.allowed.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("FREEHOLD_CORS_ORIGINS: %w", err)
		}
	}
	if len(o.CORSOrigins) > 0 {
		found.cors = cors.New(cors.Options{
			AllowedOrigins: o.CORSOrigins, AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
			AllowedHeaders: slices.Concat(clientHeaders, o.CORSHeaders),
			ExposedHeaders: []string{"X-Request-Id", "WWW-Authenticate"}, MaxAge: 600,
		})
	}
	return found, nil
}

// protect refuses requests of other sites.
func (o *origins) protect(next http.Handler) http.Handler {
	protected := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !admits(o.allowed, r) {
			WriteError(r.Context(), w, http.StatusForbidden, fault.New(fault.Forbidden, adviceOn(r)))
			return
		}
		next.ServeHTTP(w, r)
	}))
	if o.cors != nil {
		return o.cors.Handler(protected)
	}
	return protected
}

// isOwn reports whether a request may use cookies. A page of a configured origin may not, and uses tokens. A request without an
// origin is not from a browser, and may.
func (o *origins) isOwn(r *http.Request) bool { return admits(o.own, r) }

// ownPages refuses requests of all pages but the service's own.
func (o *origins) ownPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.isOwn(r) {
			WriteError(r.Context(), w, http.StatusForbidden, fault.New(fault.Forbidden, "Only pages of the service's own origin can lead here."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admits checks a GET like a POST, since a query reads private data and may renew the session.
func admits(p *http.CrossOriginProtection, r *http.Request) bool {
	if isReadOnly(r) {
		post := *r
		post.Method = http.MethodPost
		r = &post
	}
	return p.Check(r) == nil
}

// adviceOn says why the origin of a request is refused, and how to fix that.
func adviceOn(r *http.Request) string {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	switch {
	case origin == "" && r.Header.Get("Sec-Fetch-Mode") == "":
		return "Sec-Fetch-Site names another site, and Origin is missing. If your server made this request, do not forward the browser's Sec-Fetch headers."
	case origin == "":
		return "A link, form or image of another site made this request. Call the service with fetch in cors mode."
	case origin == "null" || err != nil || u.Host == "":
		return "Pages without an origin, such as local files and sandboxed frames, cannot call this service. Serve the page from a web server."
	case u.Host == r.Header.Get("X-Forwarded-Host"):
		return "A proxy rewrites Host, so the service does not recognize its own page. Set FREEHOLD_PUBLIC_URL to the address of the page, or let the proxy keep Host."
	}
	return "Pages of this origin cannot call this service. Add the origin to FREEHOLD_CORS_ORIGINS. If the page is the service's own, set FREEHOLD_PUBLIC_URL to its address."
}
