package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"freehold.dev/freehold/auth/passkeys"
)

// Passkeys has the settings of passkeys, which docs/accounts/passkeys.md describes.
type Passkeys struct {
	PasskeyRPID         string   `env:"FREEHOLD_PASSKEY_RP_ID"`   // default: the host of PublicURL; empty: there are no passkeys
	PasskeyOrigins      []string `env:"FREEHOLD_PASSKEY_ORIGINS"` // default: see completePasskeys
	PasskeyVerification string   `env:"FREEHOLD_PASSKEY_USER_VERIFICATION" envDefault:"preferred"`
}

// completePasskeys sets the RP ID and the origins, unless they are set. By default, passkeys are for pages of PublicURL, and for those of
// CORSOrigins that browsers let use the RP ID without asking the service. If browsers would refuse passkeys to PublicURL itself, the
// service has none.
func (c *Config) completePasskeys() (faults []error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil || c.subgraph {
		return nil // another fault
	}
	own := url.URL{Scheme: public.Scheme, Host: public.Host}
	if address, err := netip.ParseAddr(public.Hostname()); err == nil && address.Unmap().IsLoopback() {
		own.Host = "localhost" + strings.TrimPrefix(public.Host, hostOf(public.Host)) // passkeys belong to a domain
	}
	chosen := c.PasskeyRPID != "" || len(c.PasskeyOrigins) > 0
	if c.PasskeyRPID == "" {
		c.PasskeyRPID = own.Hostname()
	}
	c.PasskeyRPID = strings.ToLower(c.PasskeyRPID)
	if len(c.PasskeyOrigins) == 0 {
		origins, _ := normalizeOrigins("FREEHOLD_PUBLIC_URL", []string{own.String()})
		for _, origin := range slices.Concat(origins, c.CORSOrigins) {
			if u, err := url.Parse(origin); err == nil && isBelow(u.Hostname(), c.PasskeyRPID) && passkeys.ValidateOrigins([]string{origin}) == nil {
				c.PasskeyOrigins = append(c.PasskeyOrigins, origin)
			}
		}
	} else {
		c.PasskeyOrigins, faults = normalizePasskeyOrigins(c.PasskeyOrigins)
	}
	if !chosen && (len(c.PasskeyOrigins) == 0 || passkeys.ValidateRPID(c.PasskeyRPID) != nil) {
		c.PasskeyRPID, c.PasskeyOrigins = "", nil
	}
	return faults
}

// hostOf returns the host of a host with or without a port, in brackets if it is an IPv6 address.
func hostOf(hostPort string) string {
	if end := strings.LastIndexByte(hostPort, ':'); end > strings.LastIndexByte(hostPort, ']') {
		return hostPort[:end]
	}
	return hostPort
}

// isBelow reports whether a host is a domain or below it.
func isBelow(host, domain string) bool {
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// normalizePasskeyOrigins returns the origins as browsers and apps send them. Those of apps stay as they are.
func normalizePasskeyOrigins(list []string) (normal []string, faults []error) {
	for _, text := range list {
		if text = strings.TrimSpace(text); strings.HasPrefix(text, "android:") || strings.HasPrefix(text, "ios:") {
			normal = append(normal, text)
			continue
		}
		origins, wrong := normalizeOrigins("FREEHOLD_PASSKEY_ORIGINS", []string{text})
		normal, faults = append(normal, origins...), append(faults, wrong...)
	}
	return normal, faults
}

// passkeyFaults returns what is wrong with the settings of passkeys.
func (c *Config) passkeyFaults() (faults []error) {
	if !slices.Contains([]passkeys.Verification{passkeys.Required, passkeys.Preferred, passkeys.Discouraged}, passkeys.Verification(c.PasskeyVerification)) {
		faults = append(faults, errors.New("FREEHOLD_PASSKEY_USER_VERIFICATION: must be one of required, preferred, discouraged"))
	}
	if c.PasskeyRPID == "" {
		return faults
	}
	if err := passkeys.ValidateRPID(c.PasskeyRPID); err != nil {
		faults = append(faults, fmt.Errorf("FREEHOLD_PASSKEY_RP_ID: %w", err))
	}
	if len(c.PasskeyOrigins) == 0 {
		return append(faults, errors.New("FREEHOLD_PASSKEY_ORIGINS: required, because neither FREEHOLD_PUBLIC_URL nor FREEHOLD_CORS_ORIGINS has an https page below FREEHOLD_PASSKEY_RP_ID"))
	}
	if err := passkeys.ValidateOrigins(c.PasskeyOrigins); err != nil {
		faults = append(faults, fmt.Errorf("FREEHOLD_PASSKEY_ORIGINS: %w", err))
	}
	return faults
}
