package app

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold/graph"
	"freehold/resolvers"
)

// testRoot has the resolvers of the first module alone. Tests of this package cannot use the list of modules, which needs it.
type testRoot struct{ r *resolvers.Resolvers }

func (t testRoot) Query() graph.QueryResolver { return &resolvers.QueryResolver{Resolvers: t.r} }
func (t testRoot) Mutation() graph.MutationResolver {
	return &resolvers.MutationResolver{Resolvers: t.r}
}
func (t testRoot) User() graph.UserResolver       { return &resolvers.UserResolver{Resolvers: t.r} }
func (t testRoot) Profile() graph.ProfileResolver { return &resolvers.ProfileResolver{Resolvers: t.r} }

func testGraph() Graph {
	return Graph{
		Schema: graph.NewSchema, Text: graph.Text, SDL: graph.SDL, ClientSDL: graph.ClientSDL,
		Executable: func(schema *ast.Schema, r *resolvers.Resolvers, rules Rules) (graphql.ExecutableSchema, any) {
			root := graph.DirectiveRoot{Owner: rules.Owner, SignedIn: rules.SignedIn, Visible: rules.Visible}
			return graph.NewExecutableSchema(graph.Config{Schema: schema, Resolvers: testRoot{r}, Directives: root}), root
		},
	}
}

func testModule() Module {
	return Module{Name: "freehold", Types: resolvers.Types(), TextBytes: resolvers.TextBytes, Credential: resolvers.Credential}
}

func testProgram(t testing.TB) *Program {
	t.Helper()
	p, err := NewProgram(testGraph(), testModule())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testSchema is the schema of a service that has no database.
func testSchema(t testing.TB) graphql.ExecutableSchema {
	t.Helper()
	schema, err := testProgram(t).newSchema(&resolvers.Resolvers{}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
