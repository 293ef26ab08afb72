package address

import (
	"net"
	"net/netip"
	"strings"
)

// IsLoopback reports whether host:port is an address that only this machine can reach.
func IsLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	return err == nil && IsLoopbackHost(host)
}

// IsLoopbackHost reports whether a host is a name or an address that only this machine can reach.
func IsLoopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// ParseProxies parses addresses and blocks (CIDR). ok is false if one is invalid.
func ParseProxies(list []string) (trusted []netip.Prefix, ok bool) {
	for _, text := range list {
		text = strings.TrimSpace(text)
		if address, err := netip.ParseAddr(text); err == nil {
			address = address.Unmap()
			trusted = append(trusted, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		block, err := netip.ParsePrefix(text)
		if err != nil || block.Addr().Is4In6() {
			return nil, false
		}
		trusted = append(trusted, block.Masked())
	}
	return trusted, true
}
