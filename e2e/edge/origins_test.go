package edge

import (
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// preflight sends the request that a browser sends before one from another origin with these headers.
func preflight(s *harness.Service, origin, method, headers string) http.Header {
	s.T.Helper()
	return s.Send(harness.Request{Method: http.MethodOptions, Header: http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {headers}, "Sec-Fetch-Site": {"cross-site"},
	}}).Header
}

// A preflight permits the headers that GraphQL clients and tracing libraries send, and those that the operator adds. It
// permits no others.
func TestPreflightsPermitTheHeadersOfClients(t *testing.T) {
	t.Parallel()
	const page = "https://app.example.org"
	s := harness.Start(t, "FREEHOLD_CORS_ORIGINS="+page, "FREEHOLD_CORS_HEADERS=x-tenant, X-Trace-Source,")
	for _, c := range []struct {
		origin, method, headers string
		permitted               bool
	}{
		{page, "POST", "content-type", true}, {page, "GET", "authorization", true}, {page, "POST", "authorization,content-type,idempotency-key", true},
		{page, "POST", "traceparent,tracestate", true}, {page, "POST", "baggage,sentry-trace", true}, {page, "POST", "content-type,x-request-id", true},
		{page, "POST", "apollographql-client-name,apollographql-client-version", true}, {page, "GET", "apollo-require-preflight,x-apollo-operation-name", true},
		{page, "POST", "accept,content-type", true}, {page, "POST", "x-tenant,x-trace-source", true},
		{page, "POST", "x-other", false}, {page, "POST", "cookie", false}, {page, "DELETE", "content-type", false},
		{"https://evil.example", "POST", "content-type", false}, {"null", "POST", "content-type", false},
	} {
		h := preflight(s, c.origin, c.method, c.headers)
		if permitted := h.Get("Access-Control-Allow-Origin") == c.origin; permitted != c.permitted || permitted != (h.Get("Access-Control-Allow-Headers") == c.headers) ||
			h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s from %s with %s: %v", c.method, c.origin, c.headers, h)
		}
	}
	without := harness.Start(t)
	if h := preflight(without, page, "POST", "content-type"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without configured origins: %v", h)
	}
}

// You configure an origin as people write it; the service compares it as browsers send it.
func TestConfiguredOriginsMatchWhatBrowsersSend(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_CORS_ORIGINS= https://app.example.org:443 ,https://Bücher.Example, http://LOCALHOST:3000,http://127.0.0.1:80,http://[::1]:5173,"+
		"capacitor://localhost, tauri://localhost,app://., chrome-extension://abcdefghijklmnop,")
	for origin, allowed := range map[string]bool{
		"https://app.example.org": true, "https://xn--bcher-kva.example": true, "http://localhost:3000": true, "http://127.0.0.1": true, "http://[::1]:5173": true,
		"capacitor://localhost": true, "tauri://localhost": true, "app://.": true, "chrome-extension://abcdefghijklmnop": true,
		"https://app.example.org:8443": false, "http://app.example.org": false, "https://localhost": false, "capacitor://localhost:1": false, "tauri://localhosts": false,
		"ionic://localhost": false, "http://localhost": false, "https://evil.example": false,
	} {
		for _, site := range []string{"cross-site", ""} {
			header := http.Header{"Origin": {origin}}
			if site != "" {
				header.Set("Sec-Fetch-Site", site)
			}
			r := s.Send(harness.Request{Header: header, Query: `{ me { id } }`})
			if (r.Status == 200) != allowed || (r.Header.Get("Access-Control-Allow-Origin") == origin) != allowed {
				t.Errorf("from %s, %q: %d %v", origin, site, r.Status, r.Header)
			}
		}
	}
}

// If a proxy rewrites Host, the public URL identifies the service's own pages.
func TestPublicURLIsTheServicesOwnOrigin(t *testing.T) {
	t.Parallel()
	for url, origin := range map[string]string{"https://id.example.org": "https://id.example.org", "https://ID.example.org:443/auth": "https://id.example.org", "http://id.example.org:8081": "http://id.example.org:8081"} {
		s := harness.Start(t, "FREEHOLD_PUBLIC_URL="+url)
		b, email := s.SignUpInBrowser()
		for from, own := range map[string]bool{origin: true, "https://id.example.org.evil.example": false, "https://evil.example": false} {
			for _, host := range []string{"freehold:8080", "10.0.0.7"} {
				header := b.Header()
				header.Set("Origin", from)
				r := s.Send(harness.Request{Host: host, Header: header, Query: `{ me { email } }`})
				if own != strings.Contains(r.Body, email) || own != (r.Status == 200) {
					t.Errorf("%s, from %s, Host %s: %d %s", url, from, host, r.Status, r.Body)
				}
			}
		}
	}
}

// The error for a refused origin says how to fix each case.
func TestRefusedOriginsNameTheFix(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for name, c := range map[string]struct {
		header http.Header
		want   string
	}{
		"a page":                       {http.Header{"Origin": {"https://app.example.org"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"}}, "FREEHOLD_CORS_ORIGINS"},
		"its own page behind a proxy":  {http.Header{"Origin": {"https://app.example.org"}, "X-Forwarded-Host": {"app.example.org"}}, "Set FREEHOLD_PUBLIC_URL"},
		"a page from a file":           {http.Header{"Origin": {"file://"}, "Sec-Fetch-Site": {"cross-site"}}, "Serve the page from a web server"},
		"a sandboxed frame":            {http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}, "Serve the page from a web server"},
		"a form or an image":           {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}}, "Call the service with fetch"},
		"a server that renders a page": {http.Header{"Sec-Fetch-Site": {"cross-site"}}, "do not forward the browser's Sec-Fetch headers"},
	} {
		c.header.Set("Content-Type", "application/json")
		if r := s.Send(harness.Request{Header: c.header, Query: `{ me { id } }`}); r.Status != 403 || r.Code() != "FORBIDDEN" || !strings.Contains(r.Errors[0].Message, c.want) {
			t.Errorf("%s: %d %s, want %q", name, r.Status, r.Body, c.want)
		}
	}
}

// Any page may read the public keys.
func TestKeysAreForEveryPage(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := s.Fetch("/.well-known/jwks.json")
	if r.Status != 200 || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(r.Body, `"keys"`) {
		t.Errorf("%d %v %s", r.Status, r.Header, r.Body)
	}
	for _, path := range []string{"/graphql", "/healthz", "/"} {
		if r := s.Fetch(path); r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s permits other pages: %v", path, r.Header)
		}
	}
}
