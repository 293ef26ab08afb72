package exec

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/owned"
)

// Service is Federation's type _Service.
type Service struct {
	Sdl *string `json:"sdl,omitempty"`
}

// NewService returns the service of a schema. It is the same for all viewers, and whether introspection is on or off: the schema
// is not a secret.
func NewService(sdl string) Service { return Service{Sdl: &sdl} }

// EntityResolver resolves Query._entities. The resolver of Query implements it besides QueryResolver, since gqlgen leaves
// Federation's two fields out of that interface.
type EntityResolver interface {
	// Entities returns a row for each representation, or nil, in the same order.
	Entities(ctx context.Context, representations []any) ([]owned.Row, error)
}

// Entities calls an EntityResolver, and reports its error for the field.
func Entities(ctx context.Context, query any, representations []any) []owned.Row {
	entities, err := query.(EntityResolver).Entities(ctx, representations)
	graphql.AddError(ctx, graphql.AddFieldLocationToError(ctx, graphql.ErrorOnPath(ctx, err)))
	return entities
}
