package auth

import (
	"context"
	"sync/atomic"

	"freehold.dev/freehold/fault"
)

// Claim is the viewer whom a request's token names. The token is genuine. Whether its session lives is for the database to
// say, and it says so in the first transaction of that viewer, before any row is read.
type Claim struct {
	Viewer Viewer
	// First says that nothing may be done for the request before the claim is settled.
	First bool

	settled atomic.Pointer[fault.Reason]
}

// Settle notes what the database said: "" if the session lives, or why it does not. What it said first stays.
func (c *Claim) Settle(reason fault.Reason) {
	if c != nil {
		c.settled.CompareAndSwap(nil, &reason)
	}
}

// Settled returns what Settle has noted; false before that.
func (c *Claim) Settled() (fault.Reason, bool) {
	if c == nil {
		return "", true
	}
	if reason := c.settled.Load(); reason != nil {
		return *reason, true
	}
	return "", false
}

type claimKey struct{}

// WithClaim opens a scope in which a request claims to come from a viewer.
func WithClaim(ctx context.Context, c *Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// ClaimFrom returns the claim of a request; nil for one without a token.
func ClaimFrom(ctx context.Context) *Claim {
	c, _ := ctx.Value(claimKey{}).(*Claim)
	return c
}
