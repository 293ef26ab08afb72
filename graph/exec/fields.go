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

// Concurrent are the fields that are resolved concurrently, by their names in the schema.
type Concurrent map[string]bool

// FieldSet replaces gqlgen's in the generated code. gqlgen's FieldSet creates a map for each object, and starts a goroutine for
// each field with a resolver method except one. This one does so only for the fields in Concurrent. It does not support @defer,
// which NewSchema removes.
type FieldSet struct {
	Values   []graphql.Marshaler // of the fields, in their order
	Invalids uint32              // how many values turn the object into null

	fields     []graphql.CollectedField
	concurrent Concurrent
	delayed    []delayedField
	one        [1]delayedField // room for delayed
	read       fieldContext    // see At
}

type delayedField struct {
	i          int
	concurrent bool
	invalid    graphql.Marshaler // the value that turns the object into null
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

// Dispatch resolves the scheduled fields. This goroutine resolves the first concurrent one, and then those that are not
// concurrent.
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

// manyFields is the number of fields from which on a map finds duplicates faster than comparisons.
const manyFields = 16

// MarshalGQL writes the fields in their order, and each name once: a field of an interface and one of its type can have the same
// name.
func (s *FieldSet) MarshalGQL(w io.Writer) {
	var written map[string]bool
	if len(s.fields) > manyFields {
		written = make(map[string]bool, len(s.fields))
	}
	out := writerOf(w)
	begin := `{"`
	for i := range s.fields {
		name := s.fields[i].Alias // a GraphQL name needs no escapes
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

// MarshalList replaces gqlgen's MarshalSliceConcurrently, which starts a goroutine for each element. This one does so only if the
// client asks for a field in Concurrent.
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

// in reports whether a selection has one of the fields. It visits each fragment once, since nested fragments can be spread
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

// encoding has buffers for the encoding of responses.
var encoding = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keptBuffer bounds the size of a buffer that waits for the next response.
const keptBuffer = 64 << 10

// Encode returns data as JSON. The slice has room for the end of the response's envelope.
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
