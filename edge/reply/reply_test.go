package reply

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/e2e/hostile"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/exec"
)

// Encode writes exactly the bytes of encoding/json.
func TestRepliesAreEncodedAsJSON(t *testing.T) {
	t.Parallel()
	texts := []string{"", "plain", "<script>&amp;</script>", "a\u2028b\u2029c\u2027\u202a", "\"\\\n\t\x01", "日本 \U0001f469\u200d\U0001f680", "é\xe2"}
	for _, text := range hostile.Texts {
		texts = append(texts, text)
	}
	for _, text := range texts {
		short := text[:min(len(text), 4096)] // long lists of errors are cut
		for _, response := range []*graphql.Response{
			{},
			{Errors: gqlerror.List{{Message: short, Extensions: map[string]any{"code": "X"}}}},
			{Extensions: map[string]any{"denials": []string{text}}},
			{Errors: gqlerror.List{{Message: "c", Locations: []gqlerror.Location{{Line: 1, Column: 20}, {Line: 300, Column: 4}}, Extensions: map[string]any{"code": fault.Code(short)}}}},
			{Errors: gqlerror.List{{Message: "d", Extensions: map[string]any{"code": fault.Forbidden, "reason": short}}}},
			{Errors: gqlerror.List{{Message: short}, {Message: "b", Path: ast.Path{ast.PathName(short), ast.PathIndex(1)}}}, Extensions: map[string]any{text: nil}},
		} {
			var raw, written bytes.Buffer
			value := graphql.Array{graphql.MarshalString(text), graphql.WriterFunc(func(w io.Writer) { graphql.MarshalString(text).MarshalGQL(bytesOnly{w}) }), graphql.Null, graphql.True, textOf(text)}
			value.MarshalGQL(&raw)
			_, data := With(t.Context(), math.MaxInt, NewMemory(math.MaxInt64))
			data.bound(t.Context(), value).MarshalGQL(&written)
			response.Data = raw.Bytes()
			want, err := json.Marshal(response)
			if err != nil {
				t.Fatal(err)
			}
			response.Data = written.Bytes()
			body, err := Encode(response)
			if got := bytes.Join(body, nil); err != nil || !bytes.Equal(got, want) || utf8.ValidString(text) && !json.Valid(got) {
				t.Errorf("%.100q: %.300s, %v; want %.300s", text, got, err, want)
			}
			if data.size != written.Len() {
				t.Errorf("%.100q: counted %d of %d bytes", text, data.size, written.Len())
			}
		}
	}
}

// Data beyond the limit is counted and dropped, and no memory stays reserved.
func TestReplyKeepsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ length, kept, held int }{
		{smallReply - 2, smallReply, 0}, {smallReply, smallReply + 2, smallReply + 2}, {99_998, 100_000, 100_000}, {99_999, 100_000, 0}, {1 << 20, 1, 0},
	} {
		memory := NewMemory(100_000)
		data, written := &Data{limit: 100_000, memory: memory}, &bytes.Buffer{}
		data.bound(t.Context(), graphql.MarshalString(strings.Repeat("x", c.length))).MarshalGQL(written)
		err := data.Settle(ast.Query)
		if fits := c.length+2 <= 100_000; written.Len() > c.kept || (err == nil) != fits || data.held != int64(c.held) {
			t.Errorf("%d: kept %d, held %d, %v", c.length, written.Len(), data.held, err)
		}
		if data.Release(); !memory.free.TryAcquire(100_000) {
			t.Errorf("%d: memory stays reserved", c.length)
		}
	}
}

// bytesOnly is a writer without WriteString, as an adopter's scalar may use.
type bytesOnly struct{ io.Writer }

// textOf writes a text as the generated code does: by WriteText, if the writer has it.
func textOf(text string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		if own, ok := w.(exec.Writer); ok {
			own.WriteText(text)
			return
		}
		graphql.MarshalString(text).MarshalGQL(w)
	})
}

var _ exec.Writer = (*writer)(nil)
