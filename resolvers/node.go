package resolvers

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// MaxNodes is the most ids of one call of FindNodes.
const MaxNodes = 100

// tooMany returns the error for an argument whose list is too long.
func tooMany(argument string, most int) error {
	return fault.Flaw{
		Code: "TOO_MANY", Message: fmt.Sprintf("You can request at most %d %s at once.", most, argument), Params: fault.Params{"max": most},
	}.At(argument)
}

// FindNode returns the object with an id, for Query.node; nil if the viewer sees no such object.
func FindNode(ctx context.Context, r *Resolvers, id string) (owned.Row, error) {
	nodes, err := findNodes(ctx, r, []string{id}, func(int) context.Context { return ctx })
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

// FindNodes is FindNode for Query.nodes, in the order of the ids.
func FindNodes(ctx context.Context, r *Resolvers, ids []string) ([]owned.Row, error) {
	if len(ids) > MaxNodes {
		return nil, tooMany("ids", MaxNodes)
	}
	return findNodes(ctx, r, ids, func(i int) context.Context { return withIndex(ctx, i) })
}

// findNodes finds the objects with these ids in one transaction. A malformed id gets the same response as an unknown one, in the same
// time. place returns the context for an object's position in the response.
func findNodes(ctx context.Context, r *Resolvers, ids []string, place func(i int) context.Context) ([]owned.Row, error) {
	parsed := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		parsed[i], _ = auth.ParseID(id) // otherwise the zero id, which no object has
	}
	found, err := r.Registry.FindNodes(ctx, r.DB, auth.ViewerFrom(ctx), distinct(slices.Clone(parsed)))
	if err != nil {
		return nil, err
	}
	nodes := make([]owned.Row, len(ids))
	for i, id := range parsed {
		if nodes[i] = found[id]; nodes[i] == nil {
			r.Miss(place(i), owned.Ref{ID: id})
		}
	}
	return nodes, nil
}

// distinct returns the values in their order, without duplicates.
func distinct[T comparable](values []T) []T {
	seen := make(map[T]bool, len(values))
	return slices.DeleteFunc(values, func(v T) bool {
		known := seen[v]
		seen[v] = true
		return known
	})
}
