package exec

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Concurrent are the fields that are resolved at the same time as others, by their names in the schema.
type Concurrent map[string]bool

// FieldSet takes the place of gqlgen's in the generated code; graph/generate puts it there. gqlgen's makes a map for each object
// that it writes, and starts a goroutine for each field but one that has a resolver method. This one does so for the fields in
// Concurrent only. It does not support @defer, which NewSchema removes.
type FieldSet struct {
	Values   []graphql.Marshaler // of the fields, in their order
	Invalids uint32              // how many values make the object null

	fields     []graphql.CollectedField
	concurrent Concurrent
	delayed    []delayedField
	one        [1]delayedField // room for delayed
	read       fieldContext    // see At
}

type delayedField struct {
	i          int
	concurrent bool
	invalid    graphql.Marshaler // the value that makes the object null
	op         *graphql.OperationContext
	root       context.Context //nolint:containedctx // of a root field, whose middleware is to run; nil for others
	resolve    func(context.Context) graphql.Marshaler
}

// NewFieldSet returns the set of the fields of one object.
func NewFieldSet(fields []graphql.CollectedField, concurrent Concurrent) *FieldSet {
	return &FieldSet{Values: make([]graphql.Marshaler, len(fields)), fields: fields, concurrent: concurrent}
}

// ResolveConcurrently schedules a field with a resolver method for Dispatch.
func (s *FieldSet) ResolveConcurrently(op *graphql.OperationContext, _ *graphql.DeferredGroup, i int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	s.delay(delayedField{i: i, concurrent: s.concurrent[s.fields[i].Name], op: op, resolve: resolve}, nonNull)
}

// ResolveRootConcurrently schedules a root field for Dispatch. Its context is that of the root field.
func (s *FieldSet) ResolveRootConcurrently(ctx context.Context, op *graphql.OperationContext, i int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	s.delay(delayedField{i: i, concurrent: true, op: op, root: ctx, resolve: resolve}, nonNull)
}

func (s *FieldSet) delay(f delayedField, nonNull bool) {
	if f.invalid = graphql.RequiredNull; nonNull {
		f.invalid = graphql.Null
	}
	if s.delayed == nil {
		s.delayed = s.one[:0]
	}
	s.delayed = append(s.delayed, f)
}

func (f *delayedField) recovered(ctx context.Context) (value graphql.Marshaler) {
	defer func() {
		if r := recover(); r != nil {
			f.op.Error(ctx, f.op.Recover(ctx, r))
			value = graphql.Null
		}
	}()
	return f.resolve(ctx)
}

// Dispatch resolves the scheduled fields. This goroutine takes the first concurrent one, and then those that are not.
func (s *FieldSet) Dispatch(ctx context.Context) {
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

func (s *FieldSet) resolve(ctx context.Context, f *delayedField) {
	var value graphql.Marshaler
	if f.root != nil {
		value = f.op.RootResolverMiddleware(f.root, f.recovered)
	} else {
		value = f.recovered(ctx)
	}
	s.Values[f.i] = value
	if value == f.invalid {
		atomic.AddUint32(&s.Invalids, 1)
	}
}

// manyFields is how many fields of an object are compared with each other faster than by a map.
const manyFields = 16

// MarshalGQL writes the fields in their order, each name once: a field of an interface and one of its type may have the same.
func (s *FieldSet) MarshalGQL(w io.Writer) {
	var written map[string]bool
	if len(s.fields) > manyFields {
		written = make(map[string]bool, len(s.fields))
	}
	out := writerOf(w)
	begin := `{"`
	for i := range s.fields {
		name := s.fields[i].Alias // a GraphQL name: nothing in it needs an escape
		if written == nil && slices.ContainsFunc(s.fields[:i], func(f graphql.CollectedField) bool { return f.Alias == name }) || written[name] {
			continue
		}
		if written != nil {
			written[name] = true
		}
		out.WriteSafe(begin, name, `":`)
		s.Values[i].MarshalGQL(w)
		begin = `,"`
	}
	if len(s.fields) == 0 {
		out.WriteSafe("{", "", "")
	}
	out.WriteSafe("}", "", "")
}

// place is the context of an element of a list.
type place struct {
	fieldContext

	index int
}

// MarshalList takes the place of gqlgen's MarshalSliceConcurrently, which starts a goroutine for each element. This one does so
// only if something is selected that is in Concurrent.
func MarshalList(ctx context.Context, concurrent Concurrent, sel ast.SelectionSet, length int, element func(context.Context, int) graphql.Marshaler) graphql.Array {
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
	if length < 2 || !concurrent.in(sel, map[*ast.FragmentDefinition]bool{}) {
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

// in reports whether a selection has one of the fields. It looks at each fragment once, since nested ones may be spread
// exponentially often.
func (c Concurrent) in(sel ast.SelectionSet, seen map[*ast.FragmentDefinition]bool) bool {
	return slices.ContainsFunc(sel, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return c[s.Name] || c.in(s.SelectionSet, seen)
		case *ast.InlineFragment:
			return c.in(s.SelectionSet, seen)
		case *ast.FragmentSpread:
			if seen[s.Definition] {
				return false
			}
			seen[s.Definition] = true
			return c.in(s.Definition.SelectionSet, seen)
		}
		return false
	})
}

// encoding has the buffers that replies are encoded into.
var encoding = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keptBuffer bounds a buffer that waits for the next reply.
const keptBuffer = 64 << 10

// Encode returns data as JSON, with room for the end of its envelope.
func Encode(data graphql.Marshaler) []byte {
	b := encoding.Get().(*bytes.Buffer)
	data.MarshalGQL(b)
	text := append(make([]byte, 0, b.Len()+1), b.Bytes()...)
	if b.Cap() <= keptBuffer {
		b.Reset()
		encoding.Put(b)
	}
	return text
}
