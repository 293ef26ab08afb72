package accounts

import (
	"context"
	"fmt"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// Refresh exchanges a refresh token for its successor and a new access token. The same token, presented again within
// the grace (a reply was lost, or two tabs were at it), gets the same successor. Presented later it was stolen, from us
// or by us: then the session ends, for good. Everything else is UNAUTHENTICATED with its reason.
func (s *Service) Refresh(ctx context.Context, token string) (*Tokens, error) {
	presented, ok := s.keys.ReadRefresh(token)
	if !ok {
		return nil, fault.SignIn(fault.Invalid)
	}
	successor, hash := s.keys.Successor(presented)
	result, err := s.db.RefreshSession(ctx, db.Refresh{
		SessionID: presented.SessionID, Presented: presented.Hash, Successor: hash, Genuine: presented.Genuine,
		Grace: s.config.RefreshGrace, Idle: s.config.SessionIdle,
	})
	if err != nil {
		return nil, fmt.Errorf("refresh session: %w", err)
	}
	if result.Outcome == db.RefreshRepeated {
		successor = s.keys.SuccessorOf(presented, result.Current)
	}
	switch result.Outcome {
	case db.RefreshRotated, db.RefreshRepeated:
		return s.successorTokens(result, presented, successor)
	case db.RefreshReused, db.RefreshRevoked:
		return nil, fault.SignIn(fault.Revoked)
	case db.RefreshExpired:
		return nil, fault.SignIn(fault.Expired)
	default:
		return nil, fault.SignIn(fault.Invalid)
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
