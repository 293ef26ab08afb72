package edge

import (
	"net/http"
	"testing"

	"freehold.dev/freehold/edge/address"
)

// P13: the address of a client is the one that the last trusted proxy reports. What the client writes into a header is ignored.
func TestClientAddressBehindProxies(t *testing.T) {
	t.Parallel()
	trusted, ok := address.ParseProxies([]string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"})
	if !ok {
		t.Fatal("a valid list was refused")
	}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "203.0.113.9:4711", nil, "203.0.113.9:4711"},
		{"a client that pretends", "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9:4711"},
		{"one proxy", "10.1.2.3:80", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"a client that pretends to a proxy", "10.1.2.3:80", []string{"127.0.0.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1:0"},
		{"in a header of its own", "10.1.2.3:80", []string{"127.0.0.1", "198.51.100.1"}, "198.51.100.1:0"},
		{"two proxies", "10.1.2.3:80", []string{"6.6.6.6, 198.51.100.1, 192.0.2.1"}, "198.51.100.1:0"},
		{"IPv6", "[2001:db8::1]:80", []string{"2001:470::7"}, "[2001:470::7]:0"},
		{"with a port", "10.1.2.3:80", []string{"198.51.100.1:5555"}, "198.51.100.1:0"},
		{"IPv6 with a port", "10.1.2.3:80", []string{"[2001:470::7]:5555"}, "[2001:470::7]:0"},
		{"IPv4 as IPv6", "[::ffff:10.1.2.3]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
		{"nothing but proxies", "10.1.2.3:80", []string{"10.4.4.4"}, "10.4.4.4:0"},
		{"garbage", "10.1.2.3:80", []string{"198.51.100.1, unknown"}, "10.1.2.3:80"},
		{"none", "10.1.2.3:80", nil, "10.1.2.3:80"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := clientAddress(r, trusted); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
