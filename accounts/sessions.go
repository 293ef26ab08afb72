package accounts

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/fault"
)

// SignOut revokes the session that a refresh token belongs to or, without a token, the session that asks. It returns the
// session's id, or uuid.Nil if there was no live session to revoke, which is no error: the client is signed out (RFC 7009,
// 2.2).
func (s *Service) SignOut(ctx context.Context, viewer auth.Viewer, refreshToken string) (revoked uuid.UUID, err error) {
	if refreshToken != "" {
		token, ok := s.keys.ReadRefresh(refreshToken)
		if !ok {
			return uuid.Nil, nil
		}
		live, err := s.db.SignOut(ctx, token.SessionID, token.Hash, token.Genuine)
		if err != nil || !live {
			return uuid.Nil, err
		}
		return token.SessionID, nil
	}
	if !viewer.IsMember() {
		return uuid.Nil, nil
	}
	err = s.db.RevokeSession(ctx, viewer, viewer.SessionID)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unauthenticated) { // it has ended in the meantime
		return uuid.Nil, nil
	}
	return viewer.SessionID, err
}

// RevokeSession ends a session of the viewer's; NOT_FOUND when it is not his, or over already.
func (s *Service) RevokeSession(ctx context.Context, viewer auth.Viewer, sessionID uuid.UUID) error {
	return s.db.RevokeSession(ctx, viewer, sessionID)
}

// RevokeOtherSessions ends every session of the viewer's but the one that asks, and says how many those were.
func (s *Service) RevokeOtherSessions(ctx context.Context, viewer auth.Viewer) (int, error) {
	return s.db.RevokeOtherSessions(ctx, viewer)
}
