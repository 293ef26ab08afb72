package members

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

// The keys of the fields that only owners can read; see resolvers.Once.
type (
	pendingEmailKey struct{ userID uuid.UUID }
	hasPasswordKey  struct{ userID uuid.UUID }
	exportKey       struct{ userID uuid.UUID }
	recentKey       struct{ userID uuid.UUID }
	nextCodeKey     struct {
		userID  uuid.UUID
		purpose model.CodePurpose
	}
)

func (u *UserResolver) PendingEmail(ctx context.Context, obj *model.User) (*string, error) {
	return resolvers.Once(ctx, pendingEmailKey{obj.Owner}, func() (*string, error) {
		return u.Accounts.PendingEmail(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}

func (u *UserResolver) HasPassword(ctx context.Context, obj *model.User) (*bool, error) {
	return resolvers.Once(ctx, hasPasswordKey{obj.Owner}, func() (*bool, error) {
		return u.Accounts.HasPassword(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}

func (u *UserResolver) ReauthenticatedUntil(ctx context.Context, obj *model.User) (*time.Time, error) {
	return resolvers.Once(ctx, recentKey{obj.Owner}, func() (*time.Time, error) {
		return u.Accounts.ReauthenticatedUntil(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}

func (u *UserResolver) NextCodeAt(ctx context.Context, obj *model.User, purpose model.CodePurpose) (*time.Time, error) {
	return resolvers.Once(ctx, nextCodeKey{obj.Owner, purpose}, func() (*time.Time, error) {
		return u.Accounts.NextCodeAt(ctx, auth.ViewerFrom(ctx), obj.Owner, db.Purpose(purpose))
	})
}

func (u *UserResolver) Export(ctx context.Context, obj *model.User) (json.RawMessage, error) {
	return resolvers.Once(ctx, exportKey{obj.Owner}, func() (json.RawMessage, error) {
		return u.Exports.Own(ctx, auth.ViewerFrom(ctx), obj.Owner)
	})
}
