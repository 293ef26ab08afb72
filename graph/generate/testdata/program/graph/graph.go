package graph

import (
	"context"

	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/owned"
)

type EntityResolver interface {
	Entities(ctx context.Context, representations []any) ([]owned.Row, error)
}

func (ec *executionContext) __resolve_entities(ctx context.Context, representations []any) []owned.Row {
	return nil
}

func NewSchema() *ast.Schema              { return gqlparser.MustLoadSchema(sources...) }
func Text() string                        { return "" }
func SDL() string                         { return "" }
func ClientSDL(schema *ast.Schema) string { return "" }
