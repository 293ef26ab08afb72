package app

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"freehold.dev/freehold/fault"
)

// local decides which requests get what is for a developer alone: the playground, the mailbox and explanations. A page of
// another site can make its own name resolve to this machine (DNS rebinding), so the address of the listener is not enough.
type local struct {
	listening bool   // on a loopback address
	own       string // host of the public URL
}

func newLocal(c Config) local {
	l := local{listening: isLoopback(c.Addr)}
	if u, err := url.Parse(c.PublicURL); err == nil {
		l.own = strings.ToLower(u.Hostname())
	}
	return l
}

// isLoopback reports whether host:port is an address of this machine alone.
func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	return err == nil && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// refuse returns why a request does not get what is for a developer alone, nil if it does.
func (l local) refuse(r *http.Request) *fault.Error {
	if !l.listening {
		return fault.New(fault.BadRequest, "The playground, the mailbox and explanations are served only on a loopback address. Set FREEHOLD_ADDR to one, such as 127.0.0.1:8080.")
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if host == "" || host != l.own && !isLoopbackHost(host) {
		return fault.New(fault.BadRequest, "The playground, the mailbox and explanations are not served for this Host. Use localhost, or set FREEHOLD_PUBLIC_URL to the address that you use.")
	}
	return nil
}

// protect answers 421 to the requests that l refuses.
func (l local) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := l.refuse(r); f != nil {
			writeError(r.Context(), w, http.StatusMisdirectedRequest, f)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// HasPlayground reports whether the playground is served: in development, where nobody else can look.
func (a *App) HasPlayground() bool { return a.config.Development() && newLocal(a.config).listening }
