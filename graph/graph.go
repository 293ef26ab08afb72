// Package graph is what gqlgen makes of the schema: execution, and the interfaces that resolvers implement. Nothing here
// is written by hand but this file, federation.go, fields.go, direct.go and client.go; `go generate ./...` makes the rest.
package graph

import (
	"strings"

	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewSchema parses the schema anew, for callers that change it: the generated one is shared by all instances in the
// process. The positions in it name the files as they are called in the program's folder.
func NewSchema() *ast.Schema {
	named := make([]*ast.Source, len(sources))
	for i, s := range sources {
		named[i] = &ast.Source{Name: strings.TrimPrefix(s.Name, "../"), Input: s.Input}
	}
	schema := gqlparser.MustLoadSchema(named...)
	withoutExperiments(schema)
	return schema
}

// Text returns the whole schema, as it is served.
func Text() string {
	texts := make([]string, len(sources))
	for i, s := range sources {
		texts[i] = s.Input
	}
	return strings.Join(texts, "\n")
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
