package accounts

import (
	"context"
	"fmt"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Refresh exchanges a refresh token for its successor and a new access token. The same token, presented again within
// the grace (a reply was lost, or two tabs were at it), gets the same successor. Presented later it was stolen, from us
// or by us: then the session ends, for good. Everything else is UNAUTHENTICATED with its reason.
func (s *Service) Refresh(ctx context.Context, token string) (*Tokens, error) {
	tokens, _, err := s.refresh(ctx, token, s.config.RefreshGrace)
	return tokens, err
}

// RefreshEarly is Refresh for a viewer whose access token still counts. Requests of a browser overtake each other: one
// that was sent before a refresh may arrive long after it. Its access token would have served, so it is no theft, and
// nobody is signed out for it; neither does it get the successor, which its browser has by now. Then nil is returned.
func (s *Service) RefreshEarly(ctx context.Context, viewer auth.Viewer, token string) (*Tokens, error) {
	if r, ok := s.keys.ReadRefresh(token); !ok || r.SessionID != viewer.SessionID {
		return nil, fault.SignIn(fault.Invalid)
	}
	tokens, repeated, err := s.refresh(ctx, token, longerThanAccess)
	if err != nil || !repeated {
		return tokens, err
	}
	switch recent, err := s.db.RefreshedWithin(ctx, viewer, s.config.RefreshGrace); {
	case err != nil:
		return nil, fmt.Errorf("refresh session: %w", err)
	case !recent:
		return nil, nil //nolint:nilnil // documented
	}
	return tokens, nil
}

// longerThanAccess is longer than any access token lives.
const longerThanAccess = 24 * time.Hour

// refresh also tells whether the token had been exchanged before.
func (s *Service) refresh(ctx context.Context, token string, grace time.Duration) (tokens *Tokens, repeated bool, err error) {
	presented, ok := s.keys.ReadRefresh(token)
	if !ok {
		return nil, false, fault.SignIn(fault.Invalid)
	}
	successor, hash := s.keys.Successor(presented)
	result, err := s.db.RefreshSession(ctx, db.Refresh{
		SessionID: presented.SessionID, Presented: presented.Hash, Successor: hash, Genuine: presented.Genuine,
		Grace: grace, Idle: s.config.SessionIdle,
	})
	if err != nil {
		return nil, false, fmt.Errorf("refresh session: %w", err)
	}
	if result.Outcome == db.RefreshRepeated {
		successor = s.keys.SuccessorOf(presented, result.Current)
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

func (s *Service) successorTokens(result db.RefreshResult, presented auth.Refresh, successor string) (*Tokens, error) {
	if successor == "" { // of a key that is gone
		return nil, fault.SignIn(fault.Invalid)
	}
	tokens, err := s.issue(result.UserID, presented.SessionID, successor)
	if err != nil {
		return nil, fmt.Errorf("refresh session: %w", err)
	}
	return tokens, nil
}
