package directives

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
)

// inAList is the context of a field of a row in a connection: as deep as in a real list.
func inAList(viewer auth.Viewer) context.Context {
	ctx := auth.WithViewer(context.Background(), viewer)
	ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{})
	for range 8 {
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Thing", Field: graphql.CollectedField{Field: &ast.Field{Name: "secret"}}})
	}
	return ctx
}

type call struct {
	name string
	run  func(ctx context.Context) (any, error)
}

func calls(row any) []call {
	rules := &Rules{}
	return []call{
		{"visible", func(ctx context.Context) (any, error) { return rules.Visible(ctx, row, next) }},
		{"signedIn", func(ctx context.Context) (any, error) { return rules.SignedIn(ctx, row, next) }},
		{"owner", func(ctx context.Context) (any, error) {
			return rules.Owner(ctx, row, next, nil, nil, OwnerRelation, nil, nil, OtherwiseError)
		}},
	}
}

// A rule that lets a loaded row through allocates nothing.
func TestRulesOfLoadedRowsAllocateNothing(t *testing.T) {
	ctx := inAList(ann)
	for _, c := range calls(&thing{}) {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := c.run(ctx); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("@%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkRules(b *testing.B) {
	for _, c := range calls(&thing{}) {
		for name, viewer := range map[string]auth.Viewer{"passes": ann, "refuses": nobody} {
			ctx := inAList(viewer)
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.run(ctx)
				}
			})
		}
	}
}
