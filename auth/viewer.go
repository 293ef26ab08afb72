// Package auth owns who is asking: access tokens, refresh tokens, one-time codes, cookies, and the Viewer that every field rule and every
// transaction looks at. Package keys has the keys that sign tokens, and from which codes are derived. It must not know SQL or GraphQL. It
// cannot know whether a session is still live: the database decides that (see Claim).
package auth

import (
	"context"
	"sync/atomic"

	"github.com/google/uuid"

	"freehold.dev/freehold/fault"
)

// Viewer is the user who sends a request. The zero value is an anonymous viewer.
type Viewer struct {
	UserID    uuid.UUID
	SessionID uuid.UUID
	Reason    fault.Reason // why the viewer is anonymous; "" means that the client sent no token
	Scopes    Scopes       // of an operator; "" for most members
	Until     int64        // the Unix time at which the token of another service expires; 0 if the viewer has a session here

	Authentication Authentication // of a session that was just started or refreshed; zero for the viewer of a token
}

// IsMember reports whether the viewer is signed in.
func (v Viewer) IsMember() bool { return v.UserID != uuid.Nil }

// Is reports whether the viewer is the user with this id. An anonymous viewer is no user, not even the one with the zero id.
func (v Viewer) Is(userID uuid.UUID) bool { return v.IsMember() && v.UserID == userID }

// Anonymous returns the anonymous viewer of a request whose token is not valid, with the reason.
func Anonymous(reason fault.Reason) Viewer { return Viewer{Reason: reason} }

type viewerKey struct{}

// WithViewer opens a scope with a viewer. The GraphQL edge opens one for each root field, so that a mutation that signs a viewer
// in (see Become) does so for its own payload only.
func WithViewer(ctx context.Context, viewer Viewer) context.Context {
	scope := new(atomic.Pointer[Viewer])
	scope.Store(&viewer)
	return context.WithValue(ctx, viewerKey{}, scope)
}

// ViewerFrom returns the viewer of the innermost scope; an anonymous one outside of any scope.
func ViewerFrom(ctx context.Context) Viewer {
	if scope, ok := ctx.Value(viewerKey{}).(*atomic.Pointer[Viewer]); ok {
		return *scope.Load()
	}
	return Viewer{}
}

// Become changes the viewer for the rest of the innermost scope, after a sign-up, sign-in or verification has established it. It
// panics outside of any scope, where the viewer would be lost.
func Become(ctx context.Context, viewer Viewer) {
	ctx.Value(viewerKey{}).(*atomic.Pointer[Viewer]).Store(&viewer)
}
