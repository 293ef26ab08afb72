package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"freehold/fault"
)

// SessionFinder says whose session this is. The error of a session that does not count any more is UNAUTHENTICATED
// with its reason.
type SessionFinder interface {
	FindSessionUser(ctx context.Context, sessionID uuid.UUID) (userID uuid.UUID, err error)
}

// Authenticate returns who is asking, by the Authorization header (RFC 6750). An invalid token makes the viewer nobody,
// with the reason. The error is for a database that cannot answer.
func Authenticate(ctx context.Context, header http.Header, tokens *Tokens, sessions SessionFinder) (Viewer, error) {
	sent := bearerTokens(header)
	if len(sent) == 0 {
		return Viewer{}, nil
	}
	if len(sent) > 1 { // neither can be trusted more than the other
		return Nobody(fault.Invalid), nil
	}
	viewer, reason := tokens.ReadAccess(sent[0])
	if reason != "" {
		return Nobody(reason), nil
	}
	return live(ctx, viewer, sessions)
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

// live returns the viewer if his session still counts, and nobody if it does not.
func live(ctx context.Context, viewer Viewer, sessions SessionFinder) (Viewer, error) {
	userID, err := sessions.FindSessionUser(ctx, viewer.SessionID)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code == fault.Unauthenticated {
		return Nobody(e.Reason), nil
	}
	if err != nil {
		return Viewer{}, err
	}
	if userID != viewer.UserID {
		return Nobody(fault.Invalid), nil
	}
	return viewer, nil
}
