package app

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/core/members"
	"freehold.dev/freehold/graph"
	"freehold.dev/freehold/graph/exec"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/resolvers"
)

// testGraph has no resolvers. Those of package modules are not available, since it imports app.
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
	return Module{Name: "freehold", Types: members.Types(), TextBytes: members.TextBytes, Credential: members.Credential}
}

// testSchema returns the schema of a service without resolvers and database.
func testSchema() graphql.ExecutableSchema {
	schema, _ := testGraph().Executable(graph.NewSchema(), nil, Rules{})
	return schema
}

// CheckSchema returns what is wrong with the schema and its rules, for tests outside the package.
func (p *Program) CheckSchema() error {
	_, err := p.newSchema(&resolvers.Resolvers{}, nil, levers.Levers{})
	return err
}
