package exec

import (
	"context"
	"encoding/hex"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The fields that graph/generate/direct.go writes call what is in this file.

// fieldContext is a context together with its FieldContext, so that both take one allocation.
type fieldContext struct {
	context.Context //nolint:containedctx // it is one

	field graphql.FieldContext
}

// fieldContextKey is the key under which graphql.GetFieldContext asks.
var fieldContextKey = func() any {
	var k keyed
	graphql.GetFieldContext(&k)
	return k.key
}()

// keyed is a context that remembers which key it was asked for.
type keyed struct {
	context.Context //nolint:containedctx // it is one

	key any
}

func (k *keyed) Value(key any) any {
	k.key = key
	return nil
}

func (c *fieldContext) Value(key any) any {
	if key == fieldContextKey {
		return &c.field
	}
	return c.Context.Value(key)
}

// WithField returns the context of a field of an object.
func WithField(ctx context.Context, typ string, field *graphql.CollectedField) context.Context {
	return &fieldContext{ctx, graphql.FieldContext{Parent: graphql.GetFieldContext(ctx), Object: typ, Field: *field}}
}

// At returns the context of a field that is read from a struct. It is valid until the next call, so a rule must not keep it.
func (s *FieldSet) At(ctx context.Context, typ string, field *graphql.CollectedField) context.Context {
	if s.read.Context == nil {
		s.read = fieldContext{ctx, graphql.FieldContext{Parent: graphql.GetFieldContext(ctx), Object: typ}}
	}
	s.read.field.Field = *field
	return &s.read
}

// Allow is the resolver that a rule calls.
func Allow(context.Context) (any, error) { return Allowed, nil }

// Allowed is the value that a rule returns if the field may be resolved. Its size is not zero, so no other value has its address.
var Allowed any = new(byte)

// Refuse returns the value of a field that its rule refused, or whose resolver failed. It is null. It reports the error, if there
// is one.
func Refuse(ctx context.Context, op *graphql.OperationContext, err error) graphql.Marshaler {
	if err != nil {
		op.Error(ctx, located(ctx, err))
	}
	return graphql.Null
}

// located adds the path and position of a field to an error, as graphql.AddFieldLocationToError does, but allocates the path
// once.
func located(ctx context.Context, err error) error {
	f := graphql.GetFieldContext(ctx)
	if _, ok := errors.AsType[*gqlerror.Error](err); ok || f == nil || f.Field.Position == nil || f.Field.Position.Line == 0 {
		return graphql.AddFieldLocationToError(ctx, err)
	}
	n := 0
	for at := f; at != nil; at = at.Parent {
		n++
	}
	path := make(ast.Path, n)
	for at := f; at != nil; at = at.Parent {
		switch {
		case at.Index != nil:
			n--
			path[n] = ast.PathIndex(*at.Index)
		case at.Field.Field != nil:
			n--
			path[n] = ast.PathName(at.Field.Alias)
		}
	}
	wrapped := gqlerror.WrapPath(path[n:], err)
	wrapped.Locations = []gqlerror.Location{{Line: f.Field.Position.Line, Column: f.Field.Position.Column}}
	return wrapped
}

// OrNull turns a panic into the error of its field.
func OrNull(ctx context.Context, op *graphql.OperationContext, value *graphql.Marshaler) {
	if r := recover(); r != nil {
		op.Error(ctx, op.Recover(ctx, r))
		*value = graphql.Null
	}
}

// Text is a string that is written as by graphql.MarshalString. Converting a pointer to a Marshaler takes no allocation.
type Text string

// TextOrNull returns the text, or null for nil.
func TextOrNull(s *string) graphql.Marshaler {
	if s == nil {
		return graphql.Null
	}
	return (*Text)(s)
}

// MarshalGQL writes the text as JSON.
func (t *Text) MarshalGQL(w io.Writer) { writerOf(w).WriteText(string(*t)) }

// Writer is what responses are encoded to. An io.Writer that implements it gets texts without copies.
type Writer interface {
	io.Writer
	// WriteSafe writes texts, one after the other, which need no escapes.
	WriteSafe(a, b, c string)
	// WriteText writes a text as a JSON string.
	WriteText(text string)
}

func writerOf(w io.Writer) Writer {
	if own, ok := w.(Writer); ok {
		return own
	}
	return plainWriter{w}
}

// plainWriter makes any io.Writer a Writer.
type plainWriter struct{ io.Writer }

func (w plainWriter) WriteSafe(a, b, c string) {
	io.WriteString(w.Writer, a+b+c) //nolint:errcheck // gqlgen's writers take everything
}

func (w plainWriter) WriteText(text string) { graphql.MarshalString(text).MarshalGQL(w.Writer) }

// RowID is an id that is written as by graphql.MarshalUUID.
type RowID uuid.UUID

// MarshalGQL writes the id as JSON.
func (id *RowID) MarshalGQL(w io.Writer) {
	quoted := append(make([]byte, 0, len(`"00000000-0000-0000-0000-000000000000"`)), '"')
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			quoted = append(quoted, '-')
		}
		quoted = hex.AppendEncode(quoted, part)
	}
	w.Write(append(quoted, '"')) //nolint:errcheck // gqlgen's writers take everything
}
