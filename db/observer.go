package db

import (
	"context"
	"errors"
	"strings"

	"github.com/lib/pq"

	"freehold.dev/freehold/db/wire"
	"freehold.dev/freehold/fault"
)

// Observer watches the database, for traces, metrics and tests. Its functions run on the goroutine that they watch, so they
// must be fast; nil ones are not called. A failure is the kind of an error, or "" for success. The text of an error is left
// out, since it may contain values of rows.
type Observer struct {
	// Transaction runs when an attempt at a transaction begins. It returns the context for the statements inside, and a
	// function that runs at the end.
	Transaction func(context.Context) (inside context.Context, end func(failure string))
	// Statement runs when a statement begins, and returns a function that runs at the end. The query has placeholders, no
	// values.
	Statement func(_ context.Context, query string) (end func(failure string))
	// Query runs before each statement, including BEGIN, COMMIT and ROLLBACK, which Statement leaves out.
	Query func(query string)
	// Retry runs before a transaction is retried.
	Retry func(reason string)
	// Enqueued runs after a transaction has committed mails to the outbox.
	Enqueued func()
	// Limited runs when a hit was not counted, because a bucket was full. what is the first word of the bucket's name.
	Limited func(what string)
}

func (o *Observer) transaction(ctx context.Context) (context.Context, func(error)) {
	if o.Transaction == nil {
		return ctx, func(error) {}
	}
	ctx, end := o.Transaction(ctx)
	return ctx, func(err error) { end(failure(err)) }
}

func (o *Observer) statement(ctx context.Context, query string) func(error) {
	if o.Statement == nil {
		return func(error) {}
	}
	end := o.Statement(ctx, query)
	return func(err error) { end(failure(err)) }
}

func (o *Observer) query(query string) {
	if o.Query != nil {
		o.Query(query)
	}
}

func (o *Observer) retry(err error) {
	if o.Retry != nil {
		o.Retry(failure(err))
	}
}

func (o *Observer) committed(a *attempt) {
	if a.mail && o.Enqueued != nil {
		o.Enqueued()
	}
}

func (o *Observer) limited(a *attempt) {
	if a.limit != "" && o.Limited != nil {
		what, _, _ := strings.Cut(a.limit, " ")
		o.Limited(what)
	}
}

// failure returns the kind of an error: PostgreSQL's condition name, a fault code, or a word from this package.
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
	case wire.IsStatementLost(err):
		return "statement_lost"
	case wire.IsLost(err):
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
