package directives

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/internal/once"
)

type rowsKey struct{}

// WithRequest returns the context of one operation. The @owner rules of its root fields load their rows together: one query per
// type, however many fields there are. Mutations run one after the other and may change rows, so each loads its own.
func WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, rowsKey{}, &once.Map{}) // by type
}

// find returns those of the rows that the viewer sees.
func (r *Rules) find(ctx context.Context, viewer auth.Viewer, of string, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
	shared, ok := ctx.Value(rowsKey{}).(*once.Map)
	if !ok || graphql.GetOperationContext(ctx).Operation.Operation != ast.Query {
		return r.rows(ctx, viewer, of, ids)
	}
	return once.Do(shared, of, func() (map[uuid.UUID]Row, error) { return r.rows(ctx, viewer, of, r.asked(ctx, of)) })
}

// asked returns the ids of all rows of a type that the root fields of the operation ask for.
func (r *Rules) asked(ctx context.Context, of string) (ids []uuid.UUID) {
	op := graphql.GetOperationContext(ctx)
	root := graphql.GetFieldContext(ctx).Object
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{root}) {
		if rule, ok := r.fields[root+"."+f.Name]; ok && rule.Of == of {
			ids = append(ids, rawIDs(f.ArgumentMap(op.Variables), rule.path)...)
		}
	}
	return ids
}

// rawIDs returns the ids at a path of arguments that are not coerced yet. The field itself reports what is not an id.
func rawIDs(arguments map[string]any, path []string) (ids []uuid.UUID) {
	var value any = arguments
	for _, step := range path {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice { // one id may mean a list of one
		list = reflect.ValueOf([]any{value})
	}
	for i := range list.Len() { // of []any, or of []string if gqlparser has made the list
		text, _ := list.Index(i).Interface().(string)
		if id, ok := auth.ParseID(text); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
