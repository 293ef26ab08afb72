package telemetry

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/fault"
)

// Exchange is the record of one request and its reply, for the log, metrics and traces.
type Exchange struct {
	ID        string       // also the header X-Request-Id of the reply
	TraceID   string       // W3C Trace Context; "" if the request has no span
	Routine   bool         // the request is a check by a machine, of interest only if it fails
	Operation string       // kind and name; "" if the request has no operation
	Status    int          // of the reply
	Reason    fault.Reason // why the token is not accepted; "" if it is, or if there is none
	Outcome   string       // OK, the code of the first error, or ClientClosed

	kind, name string // of the operation, as labels of metrics
}

// The outcomes that are not the code of an error.
const (
	OK           = "ok"
	ClientClosed = "CLIENT_CLOSED_REQUEST" // the client hung up before its reply was ready
)

type exchangeKey struct{}

// WithExchange begins the exchange of a request. If id is empty, the exchange gets a new one.
func WithExchange(ctx context.Context, id string) (context.Context, *Exchange) {
	if id == "" {
		id = uuid.NewString()
	}
	x := &Exchange{ID: id, Status: http.StatusOK}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

// ExchangeOf returns the exchange that ctx belongs to. Without one, it returns an empty exchange that nothing reads.
func ExchangeOf(ctx context.Context) *Exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*Exchange); ok {
		return x
	}
	return &Exchange{}
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return ExchangeOf(ctx).ID }

// SetOutcome takes the outcome from the errors of the reply. It is ClientClosed if the client has left.
func (x *Exchange) SetOutcome(ctx context.Context, errs gqlerror.List) {
	if errors.Is(ctx.Err(), context.Canceled) {
		x.Outcome = ClientClosed
		return
	}
	if len(errs) == 0 {
		x.Outcome = OK
		return
	}
	x.Outcome = "unknown"
	if code, ok := errs[0].Extensions["code"].(fault.Code); ok {
		x.Outcome = string(code)
	}
}
