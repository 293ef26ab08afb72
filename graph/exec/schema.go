// Package exec owns the runtime of generated code besides gqlgen's own: how fields and lists are resolved and written, how the schema is
// parsed, and which part of it a Federation gateway or a client tool gets. It must not know any particular schema: graph/generate writes
// what depends on it.
package exec

import (
	"path"
	"strings"

	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewSchema parses the schema again, for callers that change it: the generated one is shared by all instances in the process. The
// positions in it name files relative to the program's folder.
func NewSchema(sources []*ast.Source) *ast.Schema {
	named := make([]*ast.Source, len(sources))
	for i, s := range sources {
		named[i] = &ast.Source{Name: fileName(s), Input: s.Input}
	}
	schema := gqlparser.MustLoadSchema(named...)
	withoutExperiments(schema)
	return schema
}

// SchemaText returns the whole schema that the server serves.
func SchemaText(sources []*ast.Source) string {
	texts := make([]string, len(sources))
	for i, s := range sources {
		texts[i] = s.Input
	}
	return strings.Join(texts, "\n")
}

// fileName returns the name of a source, relative to the program's folder. gqlgen names it relative to package graph.
func fileName(s *ast.Source) string { return strings.TrimPrefix(s.Name, "../") }

// standardDirectives are those that the GraphQL specification defines.
var standardDirectives = map[string]bool{"skip": true, "include": true, "deprecated": true, "specifiedBy": true, "oneOf": true}

// withoutExperiments removes the directives of gqlparser's prelude that are not in the specification, such as @defer. gqlgen
// would run it, but the server cannot send the further parts of a response.
func withoutExperiments(schema *ast.Schema) {
	for name, directive := range schema.Directives {
		if directive.Position.Src.BuiltIn && !standardDirectives[name] {
			delete(schema.Directives, name)
		}
	}
}

// servesFederation are the sources that every subgraph has. Routers know them.
var servesFederation = map[string]bool{"federation.graphqls": true, "entities.graphqls": true}

// SDL returns the schema as a Federation subgraph: the sources, except those that serve Federation itself.
func SDL(sources []*ast.Source) string {
	var texts []string
	for _, s := range sources {
		if !servesFederation[path.Base(s.Name)] {
			texts = append(texts, s.Input)
		}
	}
	return strings.Join(texts, "\n")
}
