package edge

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/fault"
)

// Local decides which requests get what is for developers only: the playground, the mailbox and explanations. A page of
// another site can make its own name resolve to this machine (DNS rebinding), so the address of the listener is not enough.
type Local struct {
	listening bool   // on a loopback address
	own       string // host of the public URL
}

// NewLocal returns the Local of a service that listens at addr and whose public URL is publicURL.
func NewLocal(addr, publicURL string) Local {
	l := Local{listening: address.IsLoopback(addr)}
	if u, err := url.Parse(publicURL); err == nil {
		l.own = strings.ToLower(u.Hostname())
	}
	return l
}

// refuse returns why a request does not get what is for developers only, or nil if it does.
func (l Local) refuse(r *http.Request) *fault.Error {
	if !l.listening {
		return fault.New(fault.BadRequest, "The playground, the mailbox and explanations are served only on a loopback address. Set FREEHOLD_ADDR to one, such as 127.0.0.1:8080.")
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if host == "" || host != l.own && !address.IsLoopbackHost(host) {
		return fault.New(fault.BadRequest, "The playground, the mailbox and explanations are not served for this Host. Use localhost, or set FREEHOLD_PUBLIC_URL to the address that you use.")
	}
	return nil
}

// Protect replies with 421 to the requests that l refuses.
func (l Local) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := l.refuse(r); f != nil {
			WriteError(r.Context(), w, http.StatusMisdirectedRequest, f)
			return
		}
		next.ServeHTTP(w, r)
	})
}
