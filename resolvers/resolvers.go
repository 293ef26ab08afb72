// Package resolvers owns the translation between GraphQL and the use cases: arguments in, models out. A resolver is a
// few lines. Whether a field may be read was decided before it runs, by the field's rule; what a row may be read, by the
// database. It must not know SQL or HTTP.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/accounts"
	"freehold/auth"
	"freehold/db"
	"freehold/graph/model"
)

// Resolvers has what resolvers need.
type Resolvers struct {
	DB       *db.DB
	Accounts *accounts.Service
	Limits   RequestLimits
	// ViewerCan names the actions that the viewer may take with a loaded row, by the rules of their mutations.
	ViewerCan func(ctx context.Context, typ string, row any) []string
	// Missed is told of each row that a query asks for and the viewer does not see, be it missing or hidden. ctx has the
	// path of the field, or of the entry in its list. Nil for none.
	Missed func(ctx context.Context, m Missed)
}

// Missed is a row that was asked for by one of its keys and not found.
type Missed struct {
	ID       uuid.UUID // of a profile or a user; uuid.Nil for none
	AnyNode  bool      // the ID may also be that of another type that implements Node
	Username string    // normalised; "" for none
}

func (r *Resolvers) missed(ctx context.Context, m Missed) {
	if r.Missed != nil && (m.ID != uuid.Nil || m.Username != "") {
		r.Missed(ctx, m)
	}
}

// The resolvers of the object types that have resolver methods. A module may embed them in its own.
type (
	QueryResolver    struct{ *Resolvers }
	MutationResolver struct{ *Resolvers }
	UserResolver     struct{ *Resolvers }
	ProfileResolver  struct{ *Resolvers }
)

// Actions returns the actions that the viewer may take with a loaded row, which is what a field viewerCan answers.
func Actions[A ~string](ctx context.Context, r *Resolvers, typ string, row any) ([]A, error) {
	can := r.ViewerCan(ctx, typ, row)
	actions := make([]A, len(can))
	for i, action := range can {
		actions[i] = A(action)
	}
	return actions, nil
}

// FindProfiles finds profiles for their rules, as the viewer: those that he sees, by their ids.
func (r *Resolvers) FindProfiles(ctx context.Context, viewer auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]*model.Profile, error) {
	rows, err := r.DB.FindProfilesByAnyID(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]*model.Profile, len(rows))
	for i := range rows {
		found[rows[i].ID] = newProfile(&rows[i])
	}
	return found, nil
}

// FindProfileByAnyKey finds a profile by its id, its user's id or its normalised username, as the viewer; nil when there
// is none that he sees.
func (r *Resolvers) FindProfileByAnyKey(ctx context.Context, viewer auth.Viewer, id uuid.UUID, usernameKey string) (*model.Profile, error) {
	rows, err := r.DB.FindProfilesByAnyKey(ctx, viewer, []uuid.UUID{id}, []string{usernameKey})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return newProfile(&rows[0]), nil
}

// AroundRootField opens the scope of a root field: it begins with the request's viewer, and what was loaded of private
// rows is shared within it.
func AroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	ctx = auth.WithViewer(ctx, auth.ViewerFrom(ctx))
	return next(withLoaded(ctx))
}
