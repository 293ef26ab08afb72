package harness

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// Browser is a client with a session in cookies. It holds only the two tokens, so that a test can read and change them, and what
// identifies it during a flow of several requests.
type Browser struct {
	*Service
	Access, Refresh string
	Flow            string
	From            http.Header // headers of each request, such as Origin
}

// Header returns the headers of the browser's next request.
func (b *Browser) Header() http.Header {
	h := http.Header{}
	maps.Copy(h, b.From)
	for name, value := range map[string]string{"freehold": b.Access, "freehold-refresh": b.Refresh, "freehold-flow": b.Flow} {
		if value != "" {
			h.Add("Cookie", b.prefix+name+"="+value)
		}
	}
	return h
}

// Do sends an operation, and stores and deletes cookies as the response says.
func (b *Browser) Do(query string, v Vars) Reply {
	b.T.Helper()
	r := b.Send(Request{Header: b.Header(), Query: query, Vars: v})
	b.take(r)
	return r
}

func (b *Browser) take(r Reply) {
	for _, cookie := range SetCookies(r) {
		if cookie.MaxAge < 0 {
			cookie.Value = ""
		}
		switch cookie.Name {
		case b.prefix + "freehold":
			b.Access = cookie.Value
		case b.prefix + "freehold-refresh":
			b.Refresh = cookie.Value
		case b.prefix + "freehold-flow":
			b.Flow = cookie.Value
		}
	}
}

// SetCookies returns the cookies that a reply sets.
func SetCookies(r Reply) []*http.Cookie {
	return (&http.Response{Header: r.Header}).Cookies()
}

const signUpInCookies = `mutation ($i: SignUpInput!) { signUp(input: $i) { user { email } tokens { accessToken refreshToken } } }`

// SignUpInBrowser returns the browser of a new member, and their email address.
func (s *Service) SignUpInBrowser() (*Browser, string) {
	s.T.Helper()
	b := &Browser{Service: s}
	name := fmt.Sprintf("member-%d", Serial.Add(1))
	email := name + "@example.org"
	r := b.Do(signUpInCookies, Vars{"i": Vars{"email": email, "password": Password, "username": name, "session": "COOKIE"}})
	if want := fmt.Sprintf(`{"signUp":{"user":{"email":%q},"tokens":null}}`, email); string(r.Data) != want || b.Access == "" || b.Refresh == "" {
		s.T.Fatalf("signing up with cookies: %s %v", r.Body, r.Header)
	}
	return b, email
}

// SignIn starts another session in the browser.
func (b *Browser) SignIn(email string) Reply {
	b.T.Helper()
	return b.Do(SignInMutation, Vars{"i": Vars{"email": email, "password": Password, "session": "COOKIE"}})
}

// Expect checks whose session the browser has, by the email address; SignedOut means none. It reports whether the reply set no
// cookie.
func (b *Browser) Expect(what, want string) (untouched bool) {
	b.T.Helper()
	r := b.Do(`{ me { email } }`, nil)
	data, code := want, ""
	if want == SignedOut {
		data, code = NoMe, "UNAUTHENTICATED"
	}
	if !strings.Contains(string(r.Data), data) || r.Code() != code {
		b.T.Errorf("%s: %s, want %s", what, r.Body, want)
	}
	return len(SetCookies(r)) == 0
}

// What a browser may expect besides an email address.
const (
	NoMe      = `{"me":null}` // the data for a client without a session
	SignedOut = "signed out"  // what Expect expects after the session has ended
)

// Clock is a clock that a test sets forward.
type Clock struct{ ahead atomic.Int64 }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Put sets the clock ahead of the time.
func (c *Clock) Put(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// StartAt is Start for a service with a clock.
func StartAt(t testing.TB, c *Clock, further ...string) *Service {
	return StartWith(t, dbtest.New(t), BothLayers, app.Options{Now: c.Now}, further...)
}
