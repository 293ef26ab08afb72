package edge

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// clientAddress returns the address of the client of a request, as host:port. It is the address of the connection. While that is a
// trusted proxy, it is the address that the proxy has added to the end of X-Forwarded-For. Earlier entries may be forged, and are
// ignored.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	remote := r.RemoteAddr
	sent := r.Header["X-Forwarded-For"]
	if len(sent) == 0 {
		return remote
	}
	forwarded := strings.Split(strings.Join(sent, ","), ",")
	for _, entry := range slices.Backward(forwarded) {
		if !isTrusted(remote, trusted) {
			break
		}
		address, ok := parseForwarded(entry)
		if !ok {
			break // the proxy itself counts as the client
		}
		remote = net.JoinHostPort(address.String(), "0")
	}
	return remote
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._~+/=:-]{1,128}$`)

// forwardedID returns the id that a trusted proxy has given to a request; "" for none.
func forwardedID(r *http.Request, trusted []netip.Prefix) string {
	if id := r.Header.Get("X-Request-Id"); requestID.MatchString(id) && isTrusted(r.RemoteAddr, trusted) {
		return id
	}
	return ""
}

func isTrusted(hostPort string, trusted []netip.Prefix) bool {
	address, err := netip.ParseAddrPort(hostPort)
	return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address.Addr().Unmap().WithZone("")) })
}

// parseForwarded reads an entry of X-Forwarded-For: an address, which some proxies write with a port.
func parseForwarded(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	if withPort, err := netip.ParseAddrPort(entry); err == nil {
		return withPort.Addr().Unmap(), true
	}
	address, err := netip.ParseAddr(strings.Trim(entry, "[]"))
	return address.Unmap(), err == nil
}
