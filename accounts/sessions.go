package accounts

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
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

// RevokeSession ends a session of the viewer and returns the viewer's profile; NOT_FOUND if the session belongs to somebody
// else or has already ended. The profile is nil if the session is the one that asks: nobody is signed in afterwards.
func (s *Service) RevokeSession(ctx context.Context, viewer auth.Viewer, sessionID uuid.UUID) (profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.RevokeSession(ctx, sessionID); err != nil || sessionID == viewer.SessionID {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return profile, err
}

// RevokeOtherSessions ends every session of the viewer but the one that asks. It returns their ids, the newest first, and
// the viewer's profile.
func (s *Service) RevokeOtherSessions(ctx context.Context, viewer auth.Viewer) (ids []uuid.UUID, profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if ids, err = tx.RevokeOtherSessions(ctx); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return ids, profile, err
}
