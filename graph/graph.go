// Package graph is what gqlgen makes of the schema: execution, and the interfaces that resolvers implement. Nothing here
// is written by hand but this file, federation.go and client.go; `go generate ./...` makes the rest.
package graph

import (
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewSchema parses the schema anew, for whoever wants to change it: the generated one is shared by all instances in the
// process.
func NewSchema() *ast.Schema { return gqlparser.MustLoadSchema(sources...) }
