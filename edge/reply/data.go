package reply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"freehold.dev/freehold/fault"
)

const (
	// smallReply is the size of data that needs no reservation, in bytes. So clients that read large replies slowly cannot block small
	// ones.
	smallReply = 16 << 10
	// replyWait is how long a large reply waits for memory, and maxReplyWaits is how many may wait, since they keep their rows meanwhile.
	replyWait     = time.Second
	maxReplyWaits = 32
)

// Memory bounds the bytes of all large replies, from their encoding until the client has read them.
type Memory struct {
	free    *semaphore.Weighted
	waiting atomic.Int32
}

// NewMemory returns a memory of so many bytes.
func NewMemory(bytes int64) *Memory {
	return &Memory{free: semaphore.NewWeighted(bytes)}
}

var errNoReplyMemory = errors.New("other replies use all of FREEHOLD_REPLY_MEMORY")

func (m *Memory) reserve(ctx context.Context, n int64) error {
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

// Data bounds the data of one reply while gqlgen encodes it, which happens on one goroutine after all fields are resolved.
// What is beyond the bound is counted and dropped.
type Data struct {
	limit  int
	memory *Memory

	size int   // of the data, with what was dropped
	held int64 // of memory
	err  error // why the rest was dropped, if size is within the limit
}

type dataKey struct{}

// With returns a context whose root fields are encoded within a limit in bytes; see AroundRootField. Release the data once the
// reply is written.
func With(ctx context.Context, limit int, memory *Memory) (context.Context, *Data) {
	d := &Data{limit: limit, memory: memory}
	return context.WithValue(ctx, dataKey{}, d), d
}

// bound wraps the value of a root field. It returns a null as it is, since gqlgen compares it.
func (d *Data) bound(ctx context.Context, field graphql.Marshaler) graphql.Marshaler {
	if field == graphql.Null || field == graphql.RequiredNull {
		return field
	}
	return graphql.WriterFunc(func(w io.Writer) {
		text, ok := w.(*bytes.Buffer) // the usual case, since the generated code encodes everything into one
		if !ok {
			text = new(bytes.Buffer)
			defer func() { w.Write(text.Bytes()) }() //nolint:errcheck // gqlgen's writers take everything
		}
		field.MarshalGQL(&writer{ctx, text, d})
	})
}

// AroundRootField bounds what a root field encodes to. It is for gqlgen's AroundRootFields.
func AroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	d, ok := ctx.Value(dataKey{}).(*Data)
	if !ok {
		return next(ctx)
	}
	return d.bound(ctx, next(ctx))
}

// admit reports whether n further bytes may be kept. A large reply reserves its limit once.
func (d *Data) admit(ctx context.Context, n int) bool {
	d.size += n
	if d.size > smallReply && d.size <= d.limit && d.held == 0 && d.err == nil {
		if d.err = d.memory.reserve(ctx, int64(d.limit)); d.err == nil {
			d.held = int64(d.limit)
		}
	}
	return d.size <= d.limit && d.err == nil
}

// Settle releases the memory that the data does not take, and returns why the data cannot be sent. If the operation is a
// mutation, the error says that its changes are saved.
func (d *Data) Settle(op ast.Operation) error {
	keep := int64(d.size)
	if d.size > d.limit || d.err != nil {
		keep = 0
	}
	d.release(min(d.held, keep))
	saved := ""
	if op == ast.Mutation {
		saved = " The changes of the mutation are saved."
	}
	switch {
	case d.size > d.limit:
		return &fault.Error{
			Code: fault.TooCostly, Cost: d.size, CostLimit: d.limit,
			Message: fmt.Sprintf("The reply has %d bytes of data; at most %d are allowed. Ask for smaller pages or fewer fields.%s", d.size, d.limit, saved),
		}
	case d.err != nil:
		f := fault.Busy(d.err)
		f.Message += saved
		return f
	}
	return nil
}

// Reset discards the data, so that other data can be sent instead.
func (d *Data) Reset() {
	d.Release()
	d.size, d.err = 0, nil
}

// Release gives back the memory of the data.
func (d *Data) Release() { d.release(0) }

// release gives back all memory except what is kept.
func (d *Data) release(keep int64) {
	if back := d.held - keep; back > 0 {
		d.memory.free.Release(back)
	}
	d.held = keep
}
