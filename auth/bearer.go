package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"freehold.dev/freehold/fault"
)

// Authenticate returns the viewer that the Authorization header names (RFC 6750). If the token is invalid, the viewer is
// anonymous, with the reason. The error is UNAVAILABLE if the verifier cannot decide. Authenticate does not check whether the session
// of a valid token is live: only the database of the service that issued the token knows; see Claim.
func Authenticate(ctx context.Context, header http.Header, verifier Verifier) (Viewer, error) {
	sent := bearerTokens(header)
	if len(sent) == 0 {
		return Viewer{}, nil
	}
	if len(sent) > 1 { // no token is more trustworthy than another
		return Anonymous(fault.Invalid), nil
	}
	access, err := verifier.Verify(ctx, sent[0])
	return access.Viewer, err
}

// Challenge returns the WWW-Authenticate header for a token that is not valid (RFC 6750, 3).
func Challenge(reason fault.Reason) string {
	return fmt.Sprintf(`Bearer error="invalid_token", error_description=%q`, fault.SignIn(reason).Message)
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
