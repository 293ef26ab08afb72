package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"freehold.dev/freehold/auth"
)

const maxAudiences = 10

var (
	audienceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)
	visibleASCII = regexp.MustCompile(`^[!-~]+$`)
)

// normalizeAudiences removes spaces and empty values, and the service's own URL, which is always an audience.
func normalizeAudiences(values []string, publicURL string) (list []string) {
	for _, value := range values {
		if value = strings.TrimSpace(value); value != "" && value != publicURL {
			list = append(list, value)
		}
	}
	return list
}

func (c *Config) audienceFaults() (faults []error) {
	const name = "FREEHOLD_TOKEN_AUDIENCES"
	for i, value := range c.TokenAudiences {
		if !isAudience(value) {
			faults = append(faults, fmt.Errorf("%s: value %d must be an http or https URL without a query, or a name of letters, digits and . _ : -", name, i+1))
		}
		if slices.Contains(c.TokenAudiences[:i], value) {
			faults = append(faults, fmt.Errorf("%s: value %d is listed twice", name, i+1))
		}
	}
	if len(c.TokenAudiences) > maxAudiences || len(strings.Join(c.TokenAudiences, "")) > auth.MaxAudienceBytes {
		faults = append(faults, fmt.Errorf("%s: must be at most %d values with %d characters in all", name, maxAudiences, auth.MaxAudienceBytes))
	}
	return faults
}

// isAudience reports whether a text can be an audience. It excludes characters that JSON escapes, because tokens have a limit in bytes.
func isAudience(text string) bool {
	if audienceName.MatchString(text) && !strings.HasPrefix(text, "http:") && !strings.HasPrefix(text, "https:") {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && isHTTP(u) && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && u.User == nil &&
		visibleASCII.MatchString(text) && !strings.ContainsAny(text, `"\<>&#`)
}
