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

// Authenticate returns who is asking, by the Authorization header (RFC 6750). A token that does not count makes the
// viewer nobody, with the reason; the error is for a database that cannot answer.
func Authenticate(ctx context.Context, header http.Header, tokens *Tokens, sessions SessionFinder) (Viewer, error) {
	values := header.Values("Authorization")
	if len(values) == 0 {
		return Viewer{}, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return Nobody(fault.Invalid), nil
	}
	viewer, reason := tokens.ReadAccess(token)
	if reason != "" {
		return Nobody(reason), nil
	}
	return live(ctx, viewer, sessions)
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
