package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// telemetry is what operators watch: metrics, and traces where somebody collects them. Of a request it takes only what
// has few values and is nobody's secret: the operation's kind and bounded name, the outcome, the rule that refused. Never
// variables, headers, documents or the text of an error.
type telemetry struct {
	log     *slog.Logger
	metrics *metrics
	traces  *traces
	names   operationNames
}

func newTelemetry(ctx context.Context, log *slog.Logger, spans sdktrace.SpanProcessor) (*telemetry, error) {
	traces, err := newTraces(ctx, log, spans)
	if err != nil {
		return nil, err
	}
	m := newMetrics()
	return &telemetry{log: log, metrics: m, traces: traces, names: operationNames{dropped: m.dropped}}, nil
}

// observer feeds metrics and traces with what the database does.
func (t *telemetry) observer() db.Observer {
	return db.Observer{Retry: t.metrics.retried, Transaction: t.traces.transaction, Statement: t.traces.statement}
}

// shutdown sends the spans that are left, as far as ctx gives time. A collector that is away is no failure of the
// service's.
func (t *telemetry) shutdown(ctx context.Context) {
	if err := t.traces.shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last traces could not be sent", "error", err)
	}
}

// observed is what metrics and traces tell of a request.
type observed struct{ kind, name, outcome string }

// around counts each request, gives it a span, and times it until its answer is written.
func (t *telemetry) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, x, answered := time.Now(), exchangeOf(r.Context()), false
		x.observed = observed{kind: "none", outcome: string(fault.Internal)}
		ctx, end := t.traces.request(r, x.id)
		defer func() {
			status := x.status
			if !answered {
				status = http.StatusInternalServerError // it panicked, and is answered further out
			}
			t.metrics.requested(x.observed, time.Since(begun))
			end(status)
		}()
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
		answered = true
	})
}

// operation notes which operation a request turned out to be and begins its span, which ends after the outcome is known.
func (t *telemetry) operation(ctx context.Context, op *ast.OperationDefinition) (_ context.Context, end func()) {
	x := exchangeOf(ctx)
	x.kind, x.name = string(op.Operation), t.names.label(op.Name)
	ctx, span := t.traces.operation(ctx, x.kind, boundedName(op.Name))
	return ctx, func() {
		if x.outcome != ok {
			fail(span, x.outcome, isOurs(x.outcome))
		}
		span.End()
	}
}

// The outcomes that are not the code of an error.
const (
	ok           = "ok"
	clientClosed = "CLIENT_CLOSED_REQUEST" // the client hung up before its answer was ready
)

// statusClientClosed is in the log only, since nobody is left to read it. The number is nginx's.
const statusClientClosed = 499

// outcomeOf is the code of the first error, or clientClosed if the client has left.
func outcomeOf(ctx context.Context, errs gqlerror.List) string {
	if errors.Is(ctx.Err(), context.Canceled) {
		return clientClosed
	}
	if len(errs) == 0 {
		return ok
	}
	code, known := errs[0].Extensions["code"].(fault.Code)
	if !known {
		return "unknown"
	}
	return string(code)
}

// isOurs reports whether an outcome is a failure of the service's rather than an answer that refuses.
func isOurs(outcome string) bool {
	return outcome == string(fault.Internal) || outcome == string(fault.Unavailable)
}
