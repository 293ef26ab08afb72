package accounts

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/fault"
)

// SignOut ends the session that asks.
func (s *Service) SignOut(ctx context.Context, viewer auth.Viewer) error {
	err := s.db.RevokeSession(ctx, viewer, viewer.SessionID)
	if fault.Is(err, fault.NotFound) { // somebody else was quicker
		return fault.SignIn(fault.Revoked)
	}
	return err
}

// RevokeSession ends a session of the viewer's; NOT_FOUND when it is not his, or over already.
func (s *Service) RevokeSession(ctx context.Context, viewer auth.Viewer, sessionID uuid.UUID) error {
	return s.db.RevokeSession(ctx, viewer, sessionID)
}

// RevokeOtherSessions ends every session of the viewer's but the one that asks, and says how many those were.
func (s *Service) RevokeOtherSessions(ctx context.Context, viewer auth.Viewer) (int, error) {
	return s.db.RevokeOtherSessions(ctx, viewer)
}
