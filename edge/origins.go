package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/cors"
	"golang.org/x/net/idna"

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
		if own, ok := parseOrigin(u.Scheme + "://" + u.Host); ok {
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

// webHosts converts host names to the form that browsers use (UTS #46, as in the WHATWG URL standard).
var webHosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

var customOrigin = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[A-Za-z0-9._~-]+(:[0-9]+)?$`)

// parseOrigin returns an origin as browsers send it (RFC 6454, 6.2): for http and https, the host in lower case and ASCII, without
// the default port. Origins with other schemes, such as capacitor://localhost of a web view, stay as they are. ok is false for an
// origin that no browser sends.
func parseOrigin(text string) (origin string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#") {
		return "", false
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return text, customOrigin.MatchString(text)
	}
	host, ok := parseWebHost(u.Hostname())
	if !ok || strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if u.Port() == "" {
		return u.Scheme + "://" + host, true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	if port == map[string]uint64{"http": 80, "https": 443}[u.Scheme] {
		return u.Scheme + "://" + host, true
	}
	return fmt.Sprintf("%s://%s:%d", u.Scheme, host, port), true
}

var (
	webHost  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$`)
	numbered = regexp.MustCompile(`(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$`) // browsers read these as IPv4 addresses
)

func parseWebHost(host string) (string, bool) {
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Is6() {
			return "[" + address.String() + "]", address.Zone() == "" && !address.Is4In6()
		}
		return address.String(), true
	}
	ascii, err := webHosts.ToASCII(host)
	return ascii, err == nil && len(ascii) <= 253 && webHost.MatchString(ascii) && !numbered.MatchString(ascii)
}

// withoutUser hides a user name and password in a text for the operator.
func withoutUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

// NormalizeOrigins returns the origins of a setting in the form that browsers send.
func NormalizeOrigins(setting string, list []string) (normal []string, faults []error) {
	return normalizeList(list, func(text string) (string, error) {
		origin, ok := parseOrigin(text)
		if !ok {
			return "", fmt.Errorf("%s: %q is not an origin that a browser sends, such as https://app.example.org", setting, fault.Shorten(withoutUser(text)))
		}
		return origin, nil
	})
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'+.^_`|~-]+$") // RFC 9110, 5.6.2; not *, which would be all of them

// NormalizeHeaders returns the configured names of headers, without empty entries.
func NormalizeHeaders(list []string) (normal []string, faults []error) {
	return normalizeList(list, func(name string) (string, error) {
		if !headerName.MatchString(name) {
			return "", fmt.Errorf("FREEHOLD_CORS_HEADERS: %q is not the name of a header, such as X-Tenant", fault.Shorten(name))
		}
		return name, nil
	})
}

// normalizeList trims and normalizes each entry of a setting. It omits empty entries.
func normalizeList(list []string, normalize func(string) (string, error)) (normal []string, faults []error) {
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		value, err := normalize(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		normal = append(normal, value)
	}
	return normal, faults
}
