package directives

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Instead returns a function that lets other rules decide about a field than those of the schema. text has them as the schema would,
// such as @visible. It is for tests that weaken rules.
func (r *Rules) Instead(text string) func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	list, err := parseRules(text)
	return func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
		if err != nil {
			return nil, err
		}
		err := r.Ask(ctx, obj, r.compile(graphql.GetFieldContext(ctx).Object, slices.Clone(list)))
		switch {
		case err == nil:
			return next(ctx)
		case list[0].Otherwise == OtherwiseNull && isRefusal(err):
			return nil, nil
		default:
			return nil, err
		}
	}
}

func parseRules(text string) ([]Rule, error) {
	doc, err := parser.ParseSchema(&ast.Source{Input: "type T { f: Int " + text + " }"})
	if err != nil {
		return nil, fmt.Errorf("parse the rules %q: %w", text, err)
	}
	list := RulesOf(doc.Definitions[0].Fields[0])
	if len(list) == 0 {
		return nil, fmt.Errorf("%q has no rule", text)
	}
	return list, nil
}
