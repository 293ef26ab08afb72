package sessions

import (
	"context"
	"fmt"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Refresh exchanges a refresh token for its successor and a new access token. A token that is sent again within the grace gets the
// same successor. A token that is sent later revokes its session. Any other error is UNAUTHENTICATED with its reason.
func (s *Service) Refresh(ctx context.Context, token string) (*auth.Pair, error) {
	tokens, _, err := s.refresh(ctx, token, s.config.Grace)
	return tokens, err
}

// RefreshEarly is Refresh for a viewer whose access token is still valid. Requests of a browser overtake each other: one that was
// sent before a refresh may arrive long after it. Its access token is valid, so this is no theft, and the session stays. If the
// refresh was longer ago than the grace, RefreshEarly returns nil, since the browser has the successor by now.
func (s *Service) RefreshEarly(ctx context.Context, viewer auth.Viewer, token string) (*auth.Pair, error) {
	if r, ok := s.tokens.ReadRefresh(token); !ok || r.SessionID != viewer.SessionID {
		return nil, fault.SignIn(fault.Invalid)
	}
	tokens, repeated, err := s.refresh(ctx, token, longerThanAccess)
	if err != nil || !repeated {
		return tokens, err
	}
	switch recent, err := s.db.RefreshedWithin(ctx, viewer, s.config.Grace); {
	case err != nil:
		return nil, fmt.Errorf("refresh session: %w", err)
	case !recent:
		return nil, nil //nolint:nilnil // documented
	}
	return tokens, nil
}

// longerThanAccess is longer than the lifetime of any access token.
const longerThanAccess = 24 * time.Hour

// refresh also reports whether the token had been exchanged before.
func (s *Service) refresh(ctx context.Context, token string, grace time.Duration) (tokens *auth.Pair, repeated bool, err error) {
	presented, ok := s.tokens.ReadRefresh(token)
	if !ok {
		return nil, false, fault.SignIn(fault.Invalid)
	}
	successor, hash := s.tokens.Successor(presented)
	result, err := s.db.RefreshSession(ctx, db.Refresh{
		SessionID: presented.SessionID, Presented: presented.Hash, Successor: hash, Genuine: presented.Genuine,
		Grace: grace, Idle: s.config.Idle,
	})
	if err != nil {
		return nil, false, fmt.Errorf("refresh session: %w", err)
	}
	if result.Outcome == db.RefreshRepeated {
		successor = s.tokens.SuccessorOf(presented, result.Current)
	}
	switch result.Outcome {
	case db.RefreshRotated, db.RefreshRepeated:
		tokens, err = s.successorTokens(result, presented, successor)
		return tokens, result.Outcome == db.RefreshRepeated, err
	case db.RefreshReused, db.RefreshRevoked:
		return nil, false, fault.SignIn(fault.Revoked)
	case db.RefreshExpired:
		return nil, false, fault.SignIn(fault.Expired)
	default:
		return nil, false, fault.SignIn(fault.Invalid)
	}
}

func (s *Service) successorTokens(result db.RefreshResult, presented auth.Refresh, successor string) (*auth.Pair, error) {
	if successor == "" { // its key was deleted
		return nil, fault.SignIn(fault.Invalid)
	}
	tokens, err := s.Issue(result.Viewer(presented.SessionID), successor)
	if err != nil {
		return nil, fmt.Errorf("refresh session: %w", err)
	}
	return tokens, nil
}
