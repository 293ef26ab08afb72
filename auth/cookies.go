package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"freehold.dev/freehold/fault"
)

// Cookies are the two cookies that hold a session in a browser: the access token, which routers can read, and the
// refresh token. They are for pages of the service's own site only, and only for their requests, since nothing that a
// browser navigates to needs them: hence SameSite=Strict. Scripts never see them. With TLS their names begin with
// __Host-, so that browsers take them from this very host alone.
type Cookies struct {
	secure  bool
	access  kind
	refresh kind
}

type kind struct {
	name string
	age  time.Duration
}

// NewCookies describes cookies of an access token and of a session that live so long. Without secure they travel in
// clear as well, for development.
func NewCookies(secure bool, access, session time.Duration) *Cookies {
	prefix := ""
	if secure {
		prefix = "__Host-"
	}
	return &Cookies{secure: secure, access: kind{prefix + "freehold", access}, refresh: kind{prefix + "freehold-refresh", session}}
}

// cookie sets the cookie of a kind; an empty value takes it back.
func (c *Cookies) cookie(k kind, value string) *http.Cookie {
	age := int(k.age.Seconds())
	if value == "" {
		age = -1
	}
	return &http.Cookie{ //nolint:gosec // not Secure where the service's own URL is http, as a developer's is
		Name: k.name, Value: value, Path: "/", MaxAge: age, Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// Jar is the cookies of one request, and what becomes of them with its response. A mutation fills or empties it, the
// last one wins, and the HTTP edge writes it. It is not for concurrent use: mutations run one after the other.
type Jar struct {
	cookies         *Cookies
	access, refresh string
	brought, twice  bool // whether the request has any of the cookies, and any of them twice
	asked           bool // whether they said who asks
	out             []*http.Cookie
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
	return j
}

// Put lets the browser hold a session.
func (j *Jar) Put(p *Pair) { j.set(p.AccessToken, p.RefreshToken) }

func (j *Jar) set(access, refresh string) {
	j.out = []*http.Cookie{j.cookies.cookie(j.cookies.access, access), j.cookies.cookie(j.cookies.refresh, refresh)}
}

// SignOut lets the browser forget the session that asked, if it was by cookies that it did.
func (j *Jar) SignOut() {
	if j != nil && j.asked {
		j.empty()
	}
}

func (j *Jar) empty() { j.set("", "") }

// Write adds to the header of a response what became of the cookies.
func (j *Jar) Write(header http.Header) {
	if j == nil {
		return
	}
	for _, cookie := range j.out {
		header.Add("Set-Cookie", cookie.String())
	}
}

type jarKey struct{}

// WithJar opens a scope whose request may use cookies.
func WithJar(ctx context.Context, jar *Jar) context.Context {
	return context.WithValue(ctx, jarKey{}, jar)
}

// JarFrom returns the jar of a request; nil for one that may not use cookies.
func JarFrom(ctx context.Context) *Jar {
	jar, _ := ctx.Value(jarKey{}).(*Jar)
	return jar
}

// Refresher renews sessions. The error of a token that does not count is UNAUTHENTICATED with its reason.
type Refresher interface {
	// Refresh exchanges a refresh token.
	Refresh(ctx context.Context, token string) (*Pair, error)
	// RefreshEarly exchanges one while the access token still counts. It returns nil if that was done by another request
	// already, longer ago than a retry may be.
	RefreshEarly(ctx context.Context, viewer Viewer, token string) (*Pair, error)
}

// AuthenticateBrowser is Authenticate for a request that may have cookies instead of a Bearer token. It renews the session
// before its access token expires, and removes invalid cookies.
func AuthenticateBrowser(ctx context.Context, header http.Header, tokens *Tokens, refresher Refresher) (Viewer, error) {
	jar := JarFrom(ctx)
	if jar == nil || !jar.brought || len(bearerTokens(header)) > 0 {
		return Authenticate(header, tokens), nil
	}
	jar.asked = true
	viewer, err := jar.authenticate(ctx, tokens, refresher)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Unauthenticated {
		viewer, err = Nobody(f.Reason), nil
	}
	if err == nil && !viewer.IsMember() {
		jar.empty()
	}
	return viewer, err
}

// authenticate may also say by an UNAUTHENTICATED error that the viewer is nobody.
func (j *Jar) authenticate(ctx context.Context, tokens *Tokens, refresher Refresher) (Viewer, error) {
	if j.twice { // which of them is ours cannot be told
		return Nobody(fault.Invalid), nil
	}
	viewer, ageing, reason := tokens.readAccess(j.access)
	var renewed *Pair
	var err error
	switch {
	case reason == "" && (!ageing || j.refresh == ""):
		return viewer, nil
	case reason == "":
		renewed, err = refresher.RefreshEarly(ctx, viewer, j.refresh)
	case j.refresh != "":
		renewed, err = refresher.Refresh(ctx, j.refresh)
	default:
		return Nobody(reason), nil
	}
	if err != nil || renewed == nil {
		return viewer, err
	}
	j.Put(renewed)
	viewer, reason = tokens.ReadAccess(renewed.AccessToken)
	viewer.Reason = reason
	return viewer, nil
}
