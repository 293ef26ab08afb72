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

type requestKey struct{}

// request is what the rules of one operation share.
type request struct {
	rows   once.Map // by type
	scopes once.Map // by viewer
}

// WithRequest returns the context of one operation. The @owner rules of its root fields load their rows together: one query per
// type, however many fields there are. Mutations run one after the other and may change rows, so each loads its own. In the same way,
// the rules of a query ask once which scopes the viewer still has.
func WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{})
}

// shared returns what the rules of a query share; nil if they share nothing.
func shared(ctx context.Context) *request {
	if this, ok := ctx.Value(requestKey{}).(*request); ok && graphql.GetOperationContext(ctx).Operation.Operation == ast.Query {
		return this
	}
	return nil
}

// viewer returns the viewer of ctx for a rule. If the rule names scopes, the viewer has only those that the account still has.
func (r *Rules) viewer(ctx context.Context, rule *Rule) (auth.Viewer, error) {
	viewer := auth.ViewerFrom(ctx)
	if viewer.Scopes == "" || rule.OrScopes == nil && rule.AnyOf == nil {
		return viewer, nil
	}
	var err error
	viewer.Scopes, err = r.granted(ctx, viewer)
	return viewer, err
}

// granted returns the scopes that the viewer still has. It is not a part of viewer, whose result would move to the heap.
func (r *Rules) granted(ctx context.Context, viewer auth.Viewer) (auth.Scopes, error) {
	ask := func() (auth.Scopes, error) { return r.source.Scopes(ctx, viewer) }
	if this := shared(ctx); this != nil {
		return once.Do(&this.scopes, viewer.SessionID, ask)
	}
	return ask()
}

// find returns those of the rows that the viewer sees.
func (r *Rules) find(ctx context.Context, viewer auth.Viewer, of string, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
	this := shared(ctx)
	if this == nil {
		return r.source.Rows(ctx, viewer, of, ids)
	}
	return once.Do(&this.rows, of, func() (map[uuid.UUID]Row, error) { return r.source.Rows(ctx, viewer, of, r.asked(ctx, of)) })
}

// asked returns the ids of all rows of a type that the root fields of the operation ask for.
func (r *Rules) asked(ctx context.Context, of string) (ids []uuid.UUID) {
	op := graphql.GetOperationContext(ctx)
	root := graphql.GetFieldContext(ctx).Object
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{root}) {
		for _, rule := range r.fields[root+"."+f.Name] {
			if rule.Of == of {
				ids = append(ids, rawIDs(f.ArgumentMap(op.Variables), rule.path)...)
			}
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
