package auth

import (
	"net/http"
	"strings"

	"freehold.dev/freehold/fault"
)

// Authenticate returns the viewer whom the Authorization header names (RFC 6750). An invalid token makes the viewer anonymous,
// with the reason. Whether the session of a valid one lives is for the database to say; see Claim.
func Authenticate(header http.Header, tokens *Tokens) Viewer {
	sent := bearerTokens(header)
	if len(sent) == 0 {
		return Viewer{}
	}
	if len(sent) > 1 { // neither can be trusted more than the other
		return Nobody(fault.Invalid)
	}
	viewer, reason := tokens.ReadAccess(sent[0])
	if reason != "" {
		return Nobody(reason)
	}
	return viewer
}

// bearerTokens returns the tokens of a request. It ignores headers without a token and other schemes, such as Basic, which
// may be meant for a proxy.
func bearerTokens(header http.Header) (sent []string) {
	for _, value := range header.Values("Authorization") {
		scheme, token, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(value), "\t", " "), " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			sent = append(sent, token)
		}
	}
	return sent
}
