package graph

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// fieldSet takes the place of gqlgen's in the generated code; graph/generate puts it there. gqlgen's makes a map for each object
// that it writes, and starts a goroutine for each field but one that has a resolver method. This one does so for the fields in
// concurrentFields only. It does not know @defer, which withoutExperiments removes.
type fieldSet struct {
	Values   []graphql.Marshaler
	Invalids uint32
	fields   []graphql.CollectedField
	delayed  []delayedField
	read     fieldContext // see at
}

type delayedField struct {
	i          int
	concurrent bool
	invalid    graphql.Marshaler // the value that makes the object null
	resolve    func(context.Context) graphql.Marshaler
}

func newFieldSet(fields []graphql.CollectedField) *fieldSet {
	return &fieldSet{Values: make([]graphql.Marshaler, len(fields)), fields: fields}
}

// ResolveConcurrently schedules a field with a resolver method for Dispatch.
func (s *fieldSet) ResolveConcurrently(op *graphql.OperationContext, _ *graphql.DeferredGroup, i int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	f := delayedField{i, isConcurrent(s.fields[i].Field), graphql.RequiredNull, func(ctx context.Context) graphql.Marshaler { return recovered(ctx, op, resolve) }}
	if nonNull {
		f.invalid = graphql.Null
	}
	s.delayed = append(s.delayed, f)
}

// ResolveRootConcurrently schedules a root field for Dispatch. Its context is that of the root field.
func (s *fieldSet) ResolveRootConcurrently(ctx context.Context, op *graphql.OperationContext, i int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	f := delayedField{i, true, graphql.RequiredNull, func(context.Context) graphql.Marshaler {
		return op.RootResolverMiddleware(ctx, func(ctx context.Context) graphql.Marshaler { return recovered(ctx, op, resolve) })
	}}
	if nonNull {
		f.invalid = graphql.Null
	}
	s.delayed = append(s.delayed, f)
}

func recovered(ctx context.Context, op *graphql.OperationContext, resolve func(context.Context) graphql.Marshaler) (value graphql.Marshaler) {
	defer func() {
		if r := recover(); r != nil {
			op.Error(ctx, op.Recover(ctx, r))
			value = graphql.Null
		}
	}()
	return resolve(ctx)
}

// Dispatch resolves the scheduled fields. This goroutine takes the first concurrent one, and then those that are not.
func (s *fieldSet) Dispatch(ctx context.Context) {
	var wg sync.WaitGroup
	own := -1
	for i := range s.delayed {
		switch {
		case !s.delayed[i].concurrent:
		case own < 0:
			own = i
		default:
			wg.Go(func() { s.resolve(ctx, &s.delayed[i]) })
		}
	}
	if own >= 0 {
		s.resolve(ctx, &s.delayed[own])
	}
	for i := range s.delayed {
		if !s.delayed[i].concurrent {
			s.resolve(ctx, &s.delayed[i])
		}
	}
	wg.Wait()
}

func (s *fieldSet) resolve(ctx context.Context, f *delayedField) {
	value := f.resolve(ctx)
	s.Values[f.i] = value
	if value == f.invalid {
		atomic.AddUint32(&s.Invalids, 1)
	}
}

// manyFields is how many fields of an object are compared with each other faster than by a map.
const manyFields = 16

// MarshalGQL writes the fields in their order, each name once: a field of an interface and one of its type may have the same.
func (s *fieldSet) MarshalGQL(w io.Writer) {
	var written map[string]bool
	if len(s.fields) > manyFields {
		written = make(map[string]bool, len(s.fields))
	}
	put := func(text string) { io.WriteString(w, text) } //nolint:errcheck // gqlgen's writers take everything
	begin := `{"`
	for i := range s.fields {
		name := s.fields[i].Alias // a GraphQL name: nothing in it needs an escape
		if written == nil && slices.ContainsFunc(s.fields[:i], func(f graphql.CollectedField) bool { return f.Alias == name }) || written[name] {
			continue
		}
		if written != nil {
			written[name] = true
		}
		put(begin)
		put(name)
		put(`":`)
		s.Values[i].MarshalGQL(w)
		begin = `,"`
	}
	if len(s.fields) == 0 {
		put("{")
	}
	put("}")
}

// place is the context of an element of a list.
type place struct {
	fieldContext

	index int
}

// marshalList takes the place of gqlgen's MarshalSliceConcurrently, which starts a goroutine for each element. This one does so
// only if something is selected that is in concurrentFields.
func marshalList(ctx context.Context, sel ast.SelectionSet, length int, element func(context.Context, int) graphql.Marshaler) graphql.Array {
	list, places := make(graphql.Array, length), make([]place, length)
	parent := graphql.GetFieldContext(ctx)
	marshal := func(i int) {
		p := &places[i]
		p.index = i
		p.fieldContext = fieldContext{ctx, graphql.FieldContext{Parent: parent, Index: &p.index}}
		defer func() {
			if r := recover(); r != nil {
				graphql.AddError(p, graphql.Recover(p, r))
				list[i] = graphql.Null
			}
		}()
		list[i] = element(p, i)
	}
	if length < 2 || !selectsConcurrent(sel, map[*ast.FragmentDefinition]bool{}) {
		for i := range length {
			marshal(i)
		}
		return list
	}
	var wg sync.WaitGroup
	for i := range length {
		wg.Go(func() { marshal(i) })
	}
	wg.Wait()
	return list
}

// selectsConcurrent reports whether a selection has one of concurrentFields. It looks at each fragment once, since nested ones may be spread exponentially often.
func selectsConcurrent(sel ast.SelectionSet, seen map[*ast.FragmentDefinition]bool) bool {
	return slices.ContainsFunc(sel, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return isConcurrent(s) || selectsConcurrent(s.SelectionSet, seen)
		case *ast.InlineFragment:
			return selectsConcurrent(s.SelectionSet, seen)
		case *ast.FragmentSpread:
			if seen[s.Definition] {
				return false
			}
			seen[s.Definition] = true
			return selectsConcurrent(s.Definition.SelectionSet, seen)
		}
		return false
	})
}

func isConcurrent(f *ast.Field) bool { return concurrentFields[f.Name] }
