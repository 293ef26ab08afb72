package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"freehold.dev/freehold/fault"
)

const (
	// smallReply is how many bytes of data need no reservation: no more than the request itself may hold. Clients that
	// read large replies slowly can therefore not keep small ones from being sent.
	smallReply = 16 << 10
	// replyWait is how long a large reply waits for memory, and maxReplyWaits how many do: meanwhile they hold their rows.
	replyWait     = time.Second
	maxReplyWaits = 32
)

// replyMemory bounds the bytes of all large replies, from their encoding until the client has taken them.
type replyMemory struct {
	free    *semaphore.Weighted
	waiting atomic.Int32
}

func newReplyMemory(bytes int64) *replyMemory {
	return &replyMemory{free: semaphore.NewWeighted(bytes)}
}

var errNoReplyMemory = errors.New("the replies under way take all of FREEHOLD_REPLY_MEMORY")

func (m *replyMemory) reserve(ctx context.Context, n int64) error {
	if m.free.TryAcquire(n) {
		return nil
	}
	defer m.waiting.Add(-1)
	if m.waiting.Add(1) > maxReplyWaits {
		return errNoReplyMemory
	}
	ctx, cancel := context.WithTimeoutCause(ctx, replyWait, errNoReplyMemory)
	defer cancel()
	if m.free.Acquire(ctx, n) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// reply bounds the data of one reply while gqlgen encodes it, which happens on one goroutine after all fields are resolved.
// What is beyond the bound is counted and dropped.
type reply struct {
	limit  int
	memory *replyMemory

	size int   // of the data, with what was dropped
	held int64 // of memory
	err  error // why the rest was dropped, if size is within the limit
}

type replyKey struct{}

// bound lets the reply of ctx bound what a root field encodes to. A null stays the very value that it is: gqlgen compares it.
func (r *reply) bound(ctx context.Context, field graphql.Marshaler) graphql.Marshaler {
	if field == graphql.Null || field == graphql.RequiredNull {
		return field
	}
	return graphql.WriterFunc(func(w io.Writer) {
		text, ok := w.(*bytes.Buffer) // it is, since graph encodes all into one
		if !ok {
			text = new(bytes.Buffer)
			defer func() { w.Write(text.Bytes()) }() //nolint:errcheck // gqlgen's writers take everything
		}
		field.MarshalGQL(&replyWriter{ctx, text, r})
	})
}

func boundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	r, ok := ctx.Value(replyKey{}).(*reply)
	if !ok {
		return next(ctx)
	}
	return r.bound(ctx, next(ctx))
}

// admit reports whether n further bytes may be kept. A large reply reserves the most that it may take, once.
func (r *reply) admit(ctx context.Context, n int) bool {
	r.size += n
	if r.size > smallReply && r.size <= r.limit && r.held == 0 && r.err == nil {
		if r.err = r.memory.reserve(ctx, int64(r.limit)); r.err == nil {
			r.held = int64(r.limit)
		}
	}
	return r.size <= r.limit && r.err == nil
}

// settle gives back what the data does not take, and returns why the data cannot be sent. Of a mutation the error says that
// it has run.
func (r *reply) settle(op ast.Operation) error {
	keep := int64(r.size)
	if r.size > r.limit || r.err != nil {
		keep = 0
	}
	r.release(min(r.held, keep))
	saved := ""
	if op == ast.Mutation {
		saved = " What the mutation changed is saved."
	}
	switch {
	case r.size > r.limit:
		return tooCostly(r.size, r.limit, "The reply has %d bytes of data; at most %d are allowed. Ask for smaller pages or fewer fields.%s", r.size, r.limit, saved)
	case r.err != nil:
		f := fault.Busy(r.err)
		f.Message += saved
		return f
	}
	return nil
}

// reset makes room for another reply in place of one that is not sent.
func (r *reply) reset() {
	r.release(0)
	r.size, r.err = 0, nil
}

// release gives back all memory but what is kept.
func (r *reply) release(keep int64) {
	if back := r.held - keep; back > 0 {
		r.memory.free.Release(back)
	}
	r.held = keep
}

// replyWriter is where a root field is encoded to. Like encoding/json it escapes what HTML and JavaScript could mistake. It is a
// exec.Writer.
type replyWriter struct {
	ctx   context.Context //nolint:containedctx // gqlgen's encoding takes no context
	text  *bytes.Buffer
	reply *reply
}

func (w *replyWriter) Write(text []byte) (int, error) {
	for _, c := range text {
		if mayEscape[c] {
			return w.WriteString(string(text))
		}
	}
	if w.reply.admit(w.ctx, len(text)) {
		w.text.Write(text)
	}
	return len(text), nil
}

func (w *replyWriter) WriteString(text string) (int, error) {
	begun := 0
	for i := 0; i < len(text); i++ {
		if !mayEscape[text[i]] {
			continue
		}
		if escaped, length := escape(text[i:]); escaped != "" {
			w.WriteSafe(text[begun:i], escaped, "")
			begun = i + length
			i = begun - 1
		}
	}
	w.WriteSafe(text[begun:], "", "")
	return len(text), nil
}

// WriteSafe writes texts in which nothing needs an escape.
func (w *replyWriter) WriteSafe(a, b, c string) {
	if w.reply.admit(w.ctx, len(a)+len(b)+len(c)) {
		w.text.WriteString(a)
		w.text.WriteString(b)
		w.text.WriteString(c)
	}
}

// WriteText writes a JSON string.
func (w *replyWriter) WriteText(text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || mayEscape[c] {
			graphql.MarshalString(text).MarshalGQL(w)
			return
		}
	}
	w.WriteSafe(`"`, text, `"`)
}

// mayEscape has the bytes that escape may return something for.
var mayEscape = [256]bool{'<': true, '>': true, '&': true, 0xe2: true}

// escape returns what to write for the character that a text begins with, and its length; "" for the character itself.
func escape(text string) (escaped string, length int) {
	switch text[0] {
	case '<':
		return `\u003c`, 1
	case '>':
		return `\u003e`, 1
	case '&':
		return `\u0026`, 1
	case 0xe2: // U+2028 and U+2029 begin with it
		if len(text) >= 3 && text[1] == 0x80 && text[2] == 0xa8 {
			return `\u2028`, 3
		}
		if len(text) >= 3 && text[1] == 0x80 && text[2] == 0xa9 {
			return `\u2029`, 3
		}
	}
	return "", 0
}

// envelope is a response as text, in parts that are written one after the other, so that the data is not copied. The errors are
// encoded already.
func envelope(response *graphql.Response, errs []byte) (parts [][]byte, err error) {
	if response.Data == nil {
		return [][]byte{[]byte(`{"errors":`), errs, []byte("}")}, nil
	}
	begin := []byte(`{"data":`)
	if len(response.Errors) > 0 {
		begin = append(append([]byte(`{"errors":`), errs...), `,"data":`...)
	}
	end := []byte("}")
	if len(response.Extensions) > 0 {
		extensions, err := json.Marshal(response.Extensions)
		if err != nil {
			return nil, fmt.Errorf("encode the extensions: %w", err)
		}
		end = fmt.Appendf(nil, `,"extensions":%s}`, extensions)
	}
	return [][]byte{begin, append(response.Data, end...)}, nil // nobody else has the data
}

// writeParts writes a body in parts.
func writeParts(w http.ResponseWriter, r *http.Request, status int, parts [][]byte) (err error) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	release := holdReply(w, r, size)
	defer func() { err = errors.Join(err, release()) }()
	w.WriteHeader(status)
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
