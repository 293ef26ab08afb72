package passkeys

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"golang.org/x/net/publicsuffix"
)

// ValidateRPID returns an error unless a text is a domain, such as example.org or localhost. An address is none.
func ValidateRPID(text string) error {
	if err := protocol.ValidateRPID(text); err != nil {
		return fmt.Errorf("%q is not a domain that passkeys can belong to: %w", text, err)
	}
	return nil
}

// ValidateOrigins returns an error unless each text is the origin of a page or of an app that can use passkeys. Pages need https, except
// those of localhost. The origins of apps are those that the operating system sends, such as android:apk-key-hash:…. Browsers accept
// related origins under at most five names: all of example.org, example.com and www.example.de have the name example.
func ValidateOrigins(origins []string) error {
	_, err := relate(origins)
	return err
}

// relate returns the origins that are not apps.
func relate(origins []string) (*protocol.RelatedOrigins, error) {
	var pages []string
	for _, origin := range origins {
		if protocol.IsKnownOpaqueOrigin(origin) {
			continue
		}
		if u, err := url.Parse(origin); err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLocalhost(u.Hostname())) {
			return nil, fmt.Errorf("%q is not an https origin", origin)
		}
		pages = append(pages, origin)
	}
	related, err := protocol.NewRelatedOriginsWithLabeler(label, pages...)
	if err != nil {
		return nil, fmt.Errorf("check the origins: %w", err)
	}
	return related, nil
}

// apps returns the origins of apps.
func apps(origins []string) (list []string) {
	for _, origin := range origins {
		if protocol.IsKnownOpaqueOrigin(origin) {
			list = append(list, origin)
		}
	}
	return list
}

func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// label returns the name under which an origin counts as related.
func label(origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", err
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(u.Hostname())
	if err != nil {
		domain = u.Hostname() // such as localhost
	}
	name, _, _ := strings.Cut(domain, ".")
	return name, nil
}
