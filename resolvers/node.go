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

const maxNodes = 100

// tooMany returns the error for an argument whose list is too long.
func tooMany(argument string, most int) error {
	return fault.Flaw{
		Code: "TOO_MANY", Message: fmt.Sprintf("You can request at most %d %s at once.", most, argument), Params: fault.Params{"max": most},
	}.At(argument)
}

func (q *QueryResolver) Node(ctx context.Context, id string) (owned.Row, error) {
	nodes, err := q.nodes(ctx, []string{id}, func(int) context.Context { return ctx })
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

func (q *QueryResolver) Nodes(ctx context.Context, ids []string) ([]owned.Row, error) {
	if len(ids) > maxNodes {
		return nil, tooMany("ids", maxNodes)
	}
	return q.nodes(ctx, ids, func(i int) context.Context { return withIndex(ctx, i) })
}

// nodes finds the objects with these ids in one transaction. A malformed id gets the same response as an unknown one, in the same
// time. place returns the context for an object's position in the response.
func (q *QueryResolver) nodes(ctx context.Context, ids []string, place func(i int) context.Context) ([]owned.Row, error) {
	parsed := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		parsed[i], _ = auth.ParseID(id) // otherwise the zero id, which no object has
	}
	found, err := q.Registry.FindNodes(ctx, q.DB, auth.ViewerFrom(ctx), distinct(slices.Clone(parsed)))
	if err != nil {
		return nil, err
	}
	nodes := make([]owned.Row, len(ids))
	for i, id := range parsed {
		if nodes[i] = found[id]; nodes[i] == nil {
			q.missed(place(i), owned.Ref{ID: id})
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
