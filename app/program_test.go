package app

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/graph"
	"freehold.dev/freehold/graph/exec"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/resolvers"
)

// testGraph resolves nothing: package modules, which knows the resolvers of all modules, needs this one.
func testGraph() Graph {
	return Graph{
		Schema: graph.NewSchema, Text: graph.Text, SDL: graph.SDL, ClientSDL: exec.ClientSDL,
		Executable: func(schema *ast.Schema, _ *resolvers.Resolvers, rules Rules) (graphql.ExecutableSchema, any) {
			root := graph.DirectiveRoot{Owner: rules.Owner, SignedIn: rules.SignedIn, Visible: rules.Visible}
			return graph.NewExecutableSchema(graph.Config{Schema: schema, Directives: root}), root
		},
	}
}

func testModule() Module {
	return Module{Name: "freehold", Types: resolvers.Types(), TextBytes: resolvers.TextBytes, Credential: resolvers.Credential}
}

// testSchema is the schema of a service that has neither resolvers nor a database.
func testSchema() graphql.ExecutableSchema {
	schema, _ := testGraph().Executable(graph.NewSchema(), nil, Rules{})
	return schema
}

// CheckSchema returns what is wrong with the schema and its rules, for tests outside of the package.
func (p *Program) CheckSchema() error {
	_, err := p.newSchema(&resolvers.Resolvers{}, nil, levers.Levers{})
	return err
}
