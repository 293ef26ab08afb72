package accounts

import (
	"context"
	"time"

	"freehold/auth"
	"freehold/fault"
)

// limit is how often one address may do something.
type limit struct {
	name   string
	hits   int
	window time.Duration
}

var (
	signUpLimit = limit{"signUp", 100, time.Hour}
	signInLimit = limit{"signIn", 100, 15 * time.Minute}
)

// within counts what is about to be done against the address that asks; RATE_LIMITED when that was too often. It is
// called for each field, so that one request with many of them counts as many.
func (s *Service) within(ctx context.Context, l limit) error {
	if !s.config.RateLimit {
		return nil
	}
	closed, err := s.db.CountHit(ctx, l.name+" "+auth.ClientFrom(ctx).Block, l.hits, l.window)
	if err != nil {
		return err
	}
	if closed > 0 {
		return &fault.Error{Code: fault.RateLimited, Message: "That was too often from your address. Try again later.", RetryAfter: closed}
	}
	return nil
}
