package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"

	"github.com/caarlos0/env/v11"
)

// defaultAddr is the default of FREEHOLD_ADDR.
const defaultAddr = "127.0.0.1:8080"

// ReadyURL returns the URL that says whether the server on this machine with this environment is ready. It reads nothing else of the
// environment, so a check of the health stays cheap and needs no secrets.
func ReadyURL(environ []string) (string, error) {
	addr := cmp.Or(env.ToMap(environ)["FREEHOLD_ADDR"], defaultAddr)
	host, port, err := net.SplitHostPort(addr)
	if err == nil && port == "0" {
		err = errors.New("port 0 does not say where the server listens")
	}
	if err != nil {
		return "", fmt.Errorf("FREEHOLD_ADDR: %w", err)
	}
	// A server on all addresses listens on loopback too. An image may have no /etc/hosts, so this is not the name localhost.
	switch ip := net.ParseIP(host); {
	case host == "" || ip != nil && ip.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}
