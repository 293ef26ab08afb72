// Package address owns how settings and requests write addresses: origins of pages, proxies, and hosts that only this machine can
// reach. It must not know requests, or which addresses a service trusts.
package address

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// webHosts converts host names to the form that browsers use (UTS #46, as in the WHATWG URL standard).
var webHosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

var customOrigin = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[A-Za-z0-9._~-]+(:[0-9]+)?$`)

// ParseOrigin returns an origin as browsers send it (RFC 6454, 6.2): for http and https, the host in lower case and ASCII, without
// the default port. Origins with other schemes, such as capacitor://localhost of a web view, stay as they are. ok is false for an
// origin that no browser sends.
func ParseOrigin(text string) (origin string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#") {
		return "", false
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return text, customOrigin.MatchString(text)
	}
	host, ok := parseWebHost(u.Hostname())
	if !ok || strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if u.Port() == "" {
		return u.Scheme + "://" + host, true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	if port == map[string]uint64{"http": 80, "https": 443}[u.Scheme] {
		return u.Scheme + "://" + host, true
	}
	return fmt.Sprintf("%s://%s:%d", u.Scheme, host, port), true
}

var (
	webHost  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$`)
	numbered = regexp.MustCompile(`(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$`) // browsers read these as IPv4 addresses
)

func parseWebHost(host string) (string, bool) {
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Is6() {
			return "[" + address.String() + "]", address.Zone() == "" && !address.Is4In6()
		}
		return address.String(), true
	}
	ascii, err := webHosts.ToASCII(host)
	return ascii, err == nil && len(ascii) <= 253 && webHost.MatchString(ascii) && !numbered.MatchString(ascii)
}
