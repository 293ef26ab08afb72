package graph

import (
	"context"
	"path"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

// servesFederation are the sources that every subgraph has. Routers know them.
var servesFederation = map[string]bool{"federation.graphqls": true, "entities.graphqls": true}

// SDL returns the schema as a Federation subgraph: the files of the schema, without what serves it.
func SDL() string {
	var texts []string
	for _, s := range sources {
		if !servesFederation[path.Base(s.Name)] {
			texts = append(texts, s.Input)
		}
	}
	return strings.Join(texts, "\n")
}

// EntityResolver answers Query._entities. The resolver of Query implements it besides QueryResolver, from which gqlgen
// leaves Federation's two fields out: it calls the methods below, which its federation plugin would otherwise generate.
type EntityResolver interface {
	// Entities returns the row of each representation in its place, or nil.
	Entities(ctx context.Context, representations []any) ([]owned.Row, error)
}

func (ec *executionContext) __resolve_entities(ctx context.Context, representations []any) []owned.Row {
	entities, err := ec.Resolvers.Query().(EntityResolver).Entities(ctx, representations)
	graphql.AddError(ctx, graphql.AddFieldLocationToError(ctx, graphql.ErrorOnPath(ctx, err)))
	return entities
}

// __resolve__service asks nothing of the viewer, and does not mind whether introspection is on: the schema holds no secret.
func (ec *executionContext) __resolve__service(context.Context) (model.Service, error) { //nolint:unparam // gqlgen's call has an error
	sdl := SDL()
	return model.Service{Sdl: &sdl}, nil
}
