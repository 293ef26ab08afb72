// Package auth owns who is asking: passwords, tokens, keys, and the Viewer that every rule and every transaction
// looks at. It must not know SQL or GraphQL: whether a session still lives is for the database to say (see Claim).
package auth

import (
	"context"
	"sync/atomic"

	"github.com/google/uuid"

	"freehold.dev/freehold/fault"
)

// Viewer is whoever asks. The zero value is nobody.
type Viewer struct {
	UserID    uuid.UUID
	SessionID uuid.UUID
	Reason    fault.Reason // why the viewer is nobody; "" means that no token was sent
}

// IsMember reports whether the viewer is signed in.
func (v Viewer) IsMember() bool { return v.UserID != uuid.Nil }

// Is reports whether the viewer is the user with this id. Nobody is no user, not even the zero one.
func (v Viewer) Is(userID uuid.UUID) bool { return v.IsMember() && v.UserID == userID }

// Nobody is the viewer of a request whose token, for this reason, does not count.
func Nobody(reason fault.Reason) Viewer { return Viewer{Reason: reason} }

type viewerKey struct{}

// WithViewer opens a scope in which viewer is asking. The GraphQL edge opens one for each root field, so that a
// mutation that makes a viewer (see Become) does so for its own payload only.
func WithViewer(ctx context.Context, viewer Viewer) context.Context {
	scope := new(atomic.Pointer[Viewer])
	scope.Store(&viewer)
	return context.WithValue(ctx, viewerKey{}, scope)
}

// ViewerFrom returns the viewer of the innermost scope, and nobody outside of any.
func ViewerFrom(ctx context.Context) Viewer {
	if scope, ok := ctx.Value(viewerKey{}).(*atomic.Pointer[Viewer]); ok {
		return *scope.Load()
	}
	return Viewer{}
}

// Become changes who is asking for the rest of the innermost scope: a sign-up or sign-in has just proved it. It
// panics outside of any scope, where it would be lost.
func Become(ctx context.Context, viewer Viewer) {
	ctx.Value(viewerKey{}).(*atomic.Pointer[Viewer]).Store(&viewer)
}
