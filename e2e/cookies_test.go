package e2e

import (
	"net/http"
)

// browser is a client that is given a session in cookies. It has no more of one than its two tokens, so that a test can
// look at them and change them.
type browser struct {
	*service
	access, refresh string
	from            http.Header // what it says of where its requests come from
}

// header is that of the browser's next request.
func (b *browser) header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range b.from {
		h[name] = values
	}
	for name, value := range map[string]string{"freehold": b.access, "freehold-refresh": b.refresh} {
		if value != "" {
			h.Add("Cookie", b.prefix+name+"="+value)
		}
	}
	return h
}

// do sends an operation, and keeps and forgets cookies as the response says.
func (b *browser) do(query string, v vars) reply {
	b.t.Helper()
	r := b.send(http.MethodPost, b.header(), asBody(b.t, query, v))
	b.take(r)
	return r
}

func (b *browser) take(r reply) {
	for _, cookie := range setCookies(r) {
		if cookie.MaxAge < 0 {
			cookie.Value = ""
		}
		switch cookie.Name {
		case b.prefix + "freehold":
			b.access = cookie.Value
		case b.prefix + "freehold-refresh":
			b.refresh = cookie.Value
		}
	}
}

func setCookies(r reply) []*http.Cookie {
	return (&http.Response{Header: r.Header}).Cookies()
}
