package graph

import (
	"context"
	"encoding/hex"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
)

// What the fields that graph/generate/direct.go writes are made of.

// fieldContext is a context and its FieldContext in one piece.
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

// keyed is a context that notes which key it is asked for.
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

// withField returns the context of a field of an object.
func withField(ctx context.Context, typ string, field *graphql.CollectedField) context.Context {
	return &fieldContext{ctx, graphql.FieldContext{Parent: graphql.GetFieldContext(ctx), Object: typ, Field: *field}}
}

// at returns the context of a field that is read from a struct, until the next call: its rule must not keep it.
func (s *fieldSet) at(ctx context.Context, typ string, field *graphql.CollectedField) context.Context {
	if s.read.Context == nil {
		s.read = fieldContext{ctx, graphql.FieldContext{Parent: graphql.GetFieldContext(ctx), Object: typ}}
	}
	s.read.field.Field = *field
	return &s.read
}

// allow is what a rule calls in the place of a resolver.
func allow(context.Context) (any, error) { return allowed, nil }

// allowed is what a rule returns that lets a field be resolved. Its size is not zero, so no other value has its address.
var allowed any = new(byte)

// refuse answers for a field that its rule refused, or whose resolver failed: null, and the error if there is one.
func (ec *executionContext) refuse(ctx context.Context, err error) graphql.Marshaler {
	if err != nil {
		ec.Error(ctx, graphql.AddFieldLocationToError(ctx, err))
	}
	return graphql.Null
}

// orNull makes a panic the error of its field.
func (ec *executionContext) orNull(ctx context.Context, value *graphql.Marshaler) {
	if r := recover(); r != nil {
		ec.Error(ctx, ec.Recover(ctx, r))
		*value = graphql.Null
	}
}

// text is written as graphql.MarshalString writes it. A pointer to it takes no allocation to become a Marshaler.
type text string

func textOrNull(s *string) graphql.Marshaler {
	if s == nil {
		return graphql.Null
	}
	return (*text)(s)
}

// MarshalGQL writes the text as JSON.
func (t *text) MarshalGQL(w io.Writer) {
	for i := range len(*t) {
		if c := (*t)[i]; c < 0x20 || c == '\\' || c == '"' {
			graphql.MarshalString(string(*t)).MarshalGQL(w)
			return
		}
	}
	put(w, `"`)
	put(w, string(*t))
	put(w, `"`)
}

func put(w io.Writer, text string) { io.WriteString(w, text) } //nolint:errcheck // gqlgen's writers take everything

// rowID is written as graphql.MarshalUUID writes it.
type rowID uuid.UUID

// MarshalGQL writes the id as JSON.
func (id *rowID) MarshalGQL(w io.Writer) {
	quoted := append(make([]byte, 0, len(`"00000000-0000-0000-0000-000000000000"`)), '"')
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			quoted = append(quoted, '-')
		}
		quoted = hex.AppendEncode(quoted, part)
	}
	w.Write(append(quoted, '"')) //nolint:errcheck // gqlgen's writers take everything
}
