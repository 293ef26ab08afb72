package auth

import (
	"context"
	"sync/atomic"

	"freehold.dev/freehold/fault"
)

// Claim is the viewer that the token of a request names. The token is genuine. The database decides whether its session is live,
// in the first transaction of that viewer, before it reads any row.
type Claim struct {
	Viewer Viewer
	// First says that the claim must be settled before anything else is done for the request.
	First bool

	settled atomic.Pointer[fault.Reason]
}

// Settle records the decision of the database: "" if the session is live, or the reason why it is not. The first decision is
// final.
func (c *Claim) Settle(reason fault.Reason) {
	if c != nil {
		c.settled.CompareAndSwap(nil, &reason)
	}
}

// Settled returns the decision; false if there is none yet.
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

// WithClaim opens a scope for a request whose token names a viewer.
func WithClaim(ctx context.Context, c *Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// ClaimFrom returns the claim of a request; nil for one without a token.
func ClaimFrom(ctx context.Context) *Claim {
	c, _ := ctx.Value(claimKey{}).(*Claim)
	return c
}
