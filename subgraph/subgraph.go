// Package subgraph owns the declaration of the first module of every second subgraph: users whose accounts another service has. It must
// not know what other modules add to a user.
package subgraph

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// QueryResolver resolves Federation's entry point.
type QueryResolver = resolvers.EntityResolver

// Module returns the module. Its migrations are those of package db, which run before all others.
func Module() app.Module {
	return app.Module{
		Name: "subgraph", Types: []owned.Type{userType},
		TextBytes: map[string]int{"PageInfo.startCursor": resolvers.CursorTextBytes, "PageInfo.endCursor": resolvers.CursorTextBytes},
	}
}

// userType is the type User, of which a subgraph knows the id alone.
var userType = owned.Declare(owned.Type{Name: "User", Model: &model.User{}, Remote: true, Rows: users})

// users returns a user for each id. A router sends only ids that the other service has found.
func users(_ context.Context, _ *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	rows := make([]owned.Row, 0, len(ids))
	for _, id := range ids {
		if id != uuid.Nil {
			rows = append(rows, &model.User{ByVisibility: owned.ByVisibility{By: owned.By{ID: id, Owner: id}, Visibility: owned.Public}})
		}
	}
	return rows, nil
}
