package sessions

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// SignOut revokes the session of a refresh token or, without a token, the viewer's current session. It returns the session's id, or
// uuid.Nil if there was no live session. This is not an error: the client is signed out (RFC 7009, 2.2).
func (s *Service) SignOut(ctx context.Context, viewer auth.Viewer, refreshToken string) (revoked uuid.UUID, err error) {
	if refreshToken != "" {
		token, ok := s.tokens.ReadRefresh(refreshToken)
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
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error { return revoke(ctx, tx, viewer.SessionID) })
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unauthenticated) { // it was revoked or has expired in the meantime
		return uuid.Nil, nil
	}
	return viewer.SessionID, err
}

// Revoke revokes a session of the viewer and returns the viewer's profile. The error is NOT_FOUND if the session belongs to
// another user or is not live. The profile is nil if the session is the current one, since the viewer is then signed out.
func (s *Service) Revoke(ctx context.Context, viewer auth.Viewer, sessionID uuid.UUID) (profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := revoke(ctx, tx, sessionID); err != nil || sessionID == viewer.SessionID {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return profile, err
}

// revoke revokes a session of the viewer and records a security event.
func revoke(ctx context.Context, tx *db.Tx, sessionID uuid.UUID) error {
	if err := tx.RevokeSession(ctx, sessionID); err != nil {
		return err
	}
	if sessionID == tx.Viewer.SessionID {
		return tx.RecordEvent(ctx, db.SignedOut)
	}
	return tx.RecordEvent(ctx, db.SessionRevoked)
}

// RevokeOthers revokes every session of the viewer except the current one. It returns their ids, the newest first, and the
// viewer's profile.
func (s *Service) RevokeOthers(ctx context.Context, viewer auth.Viewer) (ids []uuid.UUID, profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if ids, err = tx.RevokeOtherSessions(ctx); err != nil {
			return err
		}
		if len(ids) > 0 {
			if err := tx.RecordEvent(ctx, db.OtherSessionsRevoked); err != nil {
				return err
			}
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return ids, profile, err
}
