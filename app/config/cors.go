package config

import (
	"fmt"
	"regexp"
	"strings"

	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/fault"
)

// withoutUser hides a user name and password in a text for the operator.
func withoutUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

// normalizeOrigins returns the origins of a setting in the form that browsers send.
func normalizeOrigins(setting string, list []string) (normal []string, faults []error) {
	return normalizeList(list, func(text string) (string, error) {
		origin, ok := address.ParseOrigin(text)
		if !ok {
			return "", fmt.Errorf("%s: %q is not an origin that a browser sends, such as https://app.example.org", setting, fault.Shorten(withoutUser(text)))
		}
		return origin, nil
	})
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'+.^_`|~-]+$") // RFC 9110, 5.6.2; not *, which would be all of them

// normalizeHeaders returns the configured names of headers, without empty entries.
func normalizeHeaders(list []string) (normal []string, faults []error) {
	return normalizeList(list, func(name string) (string, error) {
		if !headerName.MatchString(name) {
			return "", fmt.Errorf("FREEHOLD_CORS_HEADERS: %q is not the name of a header, such as X-Tenant", fault.Shorten(name))
		}
		return name, nil
	})
}

// normalizeList trims and normalizes each entry of a setting. It omits empty entries.
func normalizeList(list []string, normalize func(string) (string, error)) (normal []string, faults []error) {
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		value, err := normalize(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		normal = append(normal, value)
	}
	return normal, faults
}
