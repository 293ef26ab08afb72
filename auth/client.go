package auth

import (
	"context"
	"net/netip"
)

type clientKey struct{}

// WithClient notes the address that a request came from, in the form "host:port" of http.Request.RemoteAddr.
func WithClient(ctx context.Context, remoteAddr string) context.Context {
	return context.WithValue(ctx, clientKey{}, addressBlock(remoteAddr))
}

// ClientFrom returns the block of addresses that counts as one client: an IPv4 address, or the /64 that an IPv6
// customer has; "" where it is unknown.
func ClientFrom(ctx context.Context) string {
	block, _ := ctx.Value(clientKey{}).(string)
	return block
}

func addressBlock(remoteAddr string) string {
	address, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return ""
	}
	ip := address.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	block, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return block.String()
}
