package db

import (
	"context"
	"errors"

	"github.com/lib/pq"

	"freehold.dev/freehold/fault"
)

// Hooks tell somebody else what the database does, for traces and metrics, of which this package knows nothing. They
// are called on the goroutine that does it; nil ones are not called. A failure is told by its kind, "" for none: the
// text of an error may hold values of rows.
type Hooks struct {
	// Transaction is told when an attempt at a transaction begins. It returns the context of what happens inside, and
	// what is called at the end.
	Transaction func(context.Context) (inside context.Context, end func(failure string))
	// Statement is told when a statement begins, with its text, and returns what is called at the end. Values are not
	// in the text.
	Statement func(_ context.Context, query string) (end func(failure string))
	// Retry is told why a transaction is tried again.
	Retry func(reason string)
	// Enqueued is told after a transaction has put mails into the outbox.
	Enqueued func()
}

func (h *Hooks) transaction(ctx context.Context) (context.Context, func(error)) {
	if h.Transaction == nil {
		return ctx, func(error) {}
	}
	ctx, end := h.Transaction(ctx)
	return ctx, func(err error) { end(failure(err)) }
}

func (h *Hooks) statement(ctx context.Context, query string) func(error) {
	if h.Statement == nil {
		return func(error) {}
	}
	end := h.Statement(ctx, query)
	return func(err error) { end(failure(err)) }
}

func (h *Hooks) retry(err error) {
	if h.Retry != nil {
		h.Retry(failure(err))
	}
}

func (h *Hooks) committed(what *attempt) {
	if what.mail && h.Enqueued != nil {
		h.Enqueued()
	}
}

// failure names the kind of an error: PostgreSQL's name of its SQLSTATE, one of fault's codes, or a word of ours.
func failure(err error) string {
	e := pq.As(err)
	f, isFault := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return ""
	case e != nil && e.Code.Name() != "":
		return e.Code.Name()
	case e != nil:
		return string(e.Code)
	case isStatementLost(err):
		return "statement_lost"
	case isLost(err):
		return "connection_lost"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline_exceeded"
	case isFault:
		return string(f.Code)
	}
	return "other"
}
