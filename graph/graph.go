// Package graph is what gqlgen makes of schema.graphqls: execution, and the interfaces that resolvers implement. Nothing
// here is written by hand but this file; `go generate ./...` makes the rest.
package graph

import (
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewSchema parses the schema anew, for whoever wants to change it: the generated one is shared by all instances in the
// process.
func NewSchema() *ast.Schema { return gqlparser.MustLoadSchema(sources...) }
