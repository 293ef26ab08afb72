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
	switch len(sent) {
	case 0:
		return Viewer{}, nil
	case 1:
	default: // which one to believe cannot be known
		return Nobody(fault.Invalid), nil
	}
	viewer, reason := tokens.ReadAccess(sent[0])
	if reason != "" {
		return Nobody(reason), nil
	}
	return live(ctx, viewer, sessions)
}

// bearerTokens returns the tokens of a request. Other schemes, such as the Basic of a proxy in front of a staging server,
// and headers without a token are no attempt to authenticate here.
func bearerTokens(header http.Header) (sent []string) {
	for _, value := range header.Values("Authorization") {
		scheme, token, _ := strings.Cut(strings.TrimSpace(value), " ")
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
