package auth

import (
	"context"
	"net/netip"
	"strings"
	"unicode"
)

// Client is where a request comes from. The zero value is unknown.
type Client struct {
	IP     string // in its usual spelling; an IPv4-mapped IPv6 address is an IPv4 address
	Block  string // the addresses that count as one client: an IPv4 address, or a /64, the least that an IPv6 customer has
	Site   string // a /48, the most that an IPv6 customer has; "" for an IPv4 address
	Device string // its User-Agent header, without characters that cannot be shown
}

// maxDevice is the most that is kept of a User-Agent, in characters.
const maxDevice = 200

type clientKey struct{}

type rawClient struct{ remoteAddr, userAgent string }

// WithClient stores where a request comes from: its address, in the form "host:port" of http.Request.RemoteAddr, and its
// User-Agent.
func WithClient(ctx context.Context, remoteAddr, userAgent string) context.Context {
	return context.WithValue(ctx, clientKey{}, rawClient{remoteAddr, userAgent})
}

// ClientFrom returns where the request of ctx comes from. It parses the address each time, since most requests never ask for it.
func ClientFrom(ctx context.Context) Client {
	raw, ok := ctx.Value(clientKey{}).(rawClient)
	if !ok {
		return Client{}
	}
	return newClient(raw.remoteAddr, raw.userAgent)
}

func newClient(remoteAddr, userAgent string) Client {
	c := Client{Device: device(userAgent)}
	address, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return c
	}
	ip := address.Addr().Unmap().WithZone("")
	c.IP = ip.String()
	if ip.Is4() {
		c.Block = prefix(ip, 32)
	} else {
		c.Block, c.Site = prefix(ip, 64), prefix(ip, 48)
	}
	return c
}

func prefix(ip netip.Addr, bits int) string {
	p, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// device returns the part of a User-Agent that can be shown and stored.
func device(userAgent string) string {
	shown := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, userAgent)
	runes := []rune(strings.TrimSpace(shown))
	return string(runes[:min(len(runes), maxDevice)])
}
