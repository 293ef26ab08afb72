// Package graph is what gqlgen makes of the schema: execution, and the interfaces that resolvers implement. Nothing here
// is written by hand but this file, federation.go and client.go; `go generate ./...` makes the rest.
package graph

import (
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewSchema parses the schema anew, for callers that change it: the generated one is shared by all instances in the
// process.
func NewSchema() *ast.Schema {
	schema := gqlparser.MustLoadSchema(sources...)
	withoutExperiments(schema)
	return schema
}

// standardDirectives are those that the GraphQL specification defines.
var standardDirectives = map[string]bool{"skip": true, "include": true, "deprecated": true, "specifiedBy": true, "oneOf": true}

// withoutExperiments removes the directives of gqlparser's prelude that are not in the specification, such as @defer: gqlgen
// would run it, but nothing here can send the further parts of a response.
func withoutExperiments(schema *ast.Schema) {
	for name, directive := range schema.Directives {
		if directive.Position.Src.BuiltIn && !standardDirectives[name] {
			delete(schema.Directives, name)
		}
	}
}
