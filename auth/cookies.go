package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"freehold.dev/freehold/fault"
)

// Cookies are the two cookies that hold a session in a browser: the access token, which routers can read, and the refresh token. A third
// one identifies the browser during a flow of several requests (StartFlow). The two are for requests of pages of the service's own site only, so they are SameSite=Strict: a browser never navigates to
// anything that needs them. Scripts cannot read them. With TLS their names begin with __Host-, so that browsers accept them from
// this host only.
//
// # Renewal
//
// A request with cookies renews the session before its access token expires, so no script has to. Requests of a browser can overtake
// each other: a request that was sent before a renewal may arrive after it, with the old cookies.
//
//	the access token in the cookie is
//	 ├─ valid, with a third of its lifetime left ─► the viewer, with unchanged cookies
//	 ├─ valid, with less left: RefreshEarly
//	 │   ├─ new tokens ───────────────────────────► the viewer, with both cookies set
//	 │   ├─ another request has renewed it ───────► the viewer, with unchanged cookies
//	 │   └─ refused ──────────────────────────────► an anonymous viewer, with both cookies deleted
//	 └─ expired, invalid or missing: Refresh
//	     ├─ new tokens ───────────────────────────► the viewer, with both cookies set
//	     └─ refused ──────────────────────────────► an anonymous viewer, with both cookies deleted
//
// RefreshEarly does not treat an old refresh token as stolen, because the access token beside it is still valid. If the service
// cannot answer, the request fails, and the cookies stay.
type Cookies struct {
	secure  bool
	access  kind
	refresh kind
	flow    kind
}

type kind struct {
	name string
	age  time.Duration
}

// NewCookies describes the cookies for an access token and a session with these lifetimes. Without secure, browsers also send
// them without TLS, for development.
func NewCookies(secure bool, access, session time.Duration) *Cookies {
	prefix := ""
	if secure {
		prefix = "__Host-"
	}
	return &Cookies{secure: secure, access: kind{prefix + "freehold", access}, refresh: kind{prefix + "freehold-refresh", session}, flow: kind{prefix + "freehold-flow", FlowLifetime}}
}

// cookie sets the cookie of a kind; an empty value deletes it.
func (c *Cookies) cookie(k kind, value string) *http.Cookie {
	age := int(k.age.Seconds())
	if value == "" {
		age = -1
	}
	return &http.Cookie{ //nolint:gosec // not Secure where the service's own URL is http, as a developer's is
		Name: k.name, Value: value, Path: "/", MaxAge: age, Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// Jar has the cookies of one request, and those of its response. Mutations fill or empty it, the last one wins, and the HTTP edge
// writes it. It is not safe for concurrent use: mutations run one after the other.
type Jar struct {
	cookies         *Cookies
	access, refresh string
	brought, twice  bool // whether the request has any of our cookies, and whether it has one twice
	asked           bool // whether they determine the viewer
	out             []*http.Cookie

	flow    string       // what identifies the browser during a flow
	outFlow *http.Cookie // nil if it is unchanged
}

// Open reads the cookies of a request.
func (c *Cookies) Open(header http.Header) *Jar {
	j := &Jar{cookies: c}
	request := http.Request{Header: header}
	read := func(name string) (value string) {
		found := request.CookiesNamed(name)
		for _, cookie := range found {
			value = cookie.Value
		}
		j.brought = j.brought || len(found) > 0
		j.twice = j.twice || len(found) > 1
		return value
	}
	j.access, j.refresh = read(c.access.name), read(c.refresh.name)
	if found := request.CookiesNamed(c.flow.name); len(found) == 1 {
		j.flow = found[0].Value
	}
	return j
}

// Put makes the browser keep a session.
func (j *Jar) Put(p *Pair) { j.set(p.AccessToken, p.RefreshToken) }

func (j *Jar) set(access, refresh string) {
	j.out = []*http.Cookie{j.cookies.cookie(j.cookies.access, access), j.cookies.cookie(j.cookies.refresh, refresh)}
}

// SignOut makes the browser delete the session, if the request used the cookies.
func (j *Jar) SignOut() {
	if j.HoldsSession() {
		j.empty()
	}
}

func (j *Jar) empty() { j.set("", "") }

// Write adds the changed cookies to the header of a response.
func (j *Jar) Write(header http.Header) {
	if j == nil {
		return
	}
	for _, cookie := range j.out {
		header.Add("Set-Cookie", cookie.String())
	}
	if j.outFlow != nil {
		header.Add("Set-Cookie", j.outFlow.String())
	}
}

// HoldsSession reports whether the cookies determine the viewer.
func (j *Jar) HoldsSession() bool { return j != nil && j.asked }

// FlowLifetime is how long a flow can take.
const FlowLifetime = 10 * time.Minute

// Flow returns what identifies the browser during its flows; "" if it has started none.
func (j *Jar) Flow() string { return j.flow }

// StartFlow is Flow, but identifies a browser that has started no flow yet. Unlike the other cookies, this one is sent when another
// site, such as an identity provider, leads back to ours.
func (j *Jar) StartFlow() string {
	if j.flow == "" {
		j.flow = NewFlowToken().String()
	}
	j.outFlow = j.cookies.cookie(j.cookies.flow, j.flow)
	j.outFlow.SameSite = http.SameSiteLaxMode //nolint:gosec // see above: it identifies no account
	return j.flow
}

type jarKey struct{}

// WithJar opens a scope for a request that may use cookies.
func WithJar(ctx context.Context, jar *Jar) context.Context {
	return context.WithValue(ctx, jarKey{}, jar)
}

// JarFrom returns the jar of a request; nil for one that may not use cookies.
func JarFrom(ctx context.Context) *Jar {
	jar, _ := ctx.Value(jarKey{}).(*Jar)
	return jar
}

// Refresher renews sessions. The error of an invalid token is UNAUTHENTICATED with its reason.
type Refresher interface {
	// Refresh exchanges a refresh token.
	Refresh(ctx context.Context, token string) (*Pair, error)
	// RefreshEarly exchanges one while the access token is still valid. It returns nil if another request did so longer ago than
	// a retry is accepted.
	RefreshEarly(ctx context.Context, viewer Viewer, token string) (*Pair, error)
}

// AuthenticateBrowser is Authenticate for a request that may have cookies instead of a Bearer token. It renews the session before
// its access token expires, and deletes invalid cookies.
func AuthenticateBrowser(ctx context.Context, header http.Header, verifier Verifier, refresher Refresher) (Viewer, error) {
	jar := JarFrom(ctx)
	if jar == nil || !jar.brought || len(bearerTokens(header)) > 0 {
		return Authenticate(ctx, header, verifier)
	}
	jar.asked = true
	viewer, err := jar.authenticate(ctx, verifier, refresher)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Unauthenticated {
		viewer, err = Anonymous(f.Reason), nil
	}
	if err == nil && !viewer.IsMember() {
		jar.empty()
	}
	return viewer, err
}

// authenticate returns an anonymous viewer, or an UNAUTHENTICATED error, for cookies that are not valid.
func (j *Jar) authenticate(ctx context.Context, verifier Verifier, refresher Refresher) (Viewer, error) {
	if j.twice { // it is unknown which of them is ours
		return Anonymous(fault.Invalid), nil
	}
	access, err := verifier.Verify(ctx, j.access)
	if err != nil {
		return Viewer{}, err
	}
	var renewed *Pair
	switch member := access.Viewer.IsMember(); {
	case member && (!access.Ageing || j.refresh == ""):
		return access.Viewer, nil
	case member:
		renewed, err = refresher.RefreshEarly(ctx, access.Viewer, j.refresh)
	case j.refresh != "":
		renewed, err = refresher.Refresh(ctx, j.refresh)
	default:
		return access.Viewer, nil
	}
	if err != nil || renewed == nil {
		return access.Viewer, err
	}
	j.Put(renewed)
	access, err = verifier.Verify(ctx, renewed.AccessToken)
	return access.Viewer, err
}
