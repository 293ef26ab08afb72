package auth

import (
	"net/http"
	"strings"

	"freehold.dev/freehold/fault"
)

// Authenticate returns the viewer that the Authorization header names (RFC 6750). If the token is invalid, the viewer is
// anonymous, with the reason. The database decides whether the session of a valid token is live; see Claim.
func Authenticate(header http.Header, tokens *Tokens) Viewer {
	sent := bearerTokens(header)
	if len(sent) == 0 {
		return Viewer{}
	}
	if len(sent) > 1 { // no token is more trustworthy than another
		return Anonymous(fault.Invalid)
	}
	viewer, reason := tokens.ReadAccess(sent[0])
	if reason != "" {
		return Anonymous(reason)
	}
	return viewer
}

// bearerTokens returns the tokens of a request. It ignores headers without a token and other schemes, such as Basic, which may be
// meant for a proxy.
func bearerTokens(header http.Header) (sent []string) {
	for _, value := range header.Values("Authorization") {
		scheme, token, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(value), "\t", " "), " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			sent = append(sent, token)
		}
	}
	return sent
}
