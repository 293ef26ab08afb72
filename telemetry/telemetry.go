package telemetry

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail/outbox"
)

// SpanProcessor gets each span of the traces.
type SpanProcessor = sdktrace.SpanProcessor

// Telemetry is the metrics and traces of one service.
type Telemetry struct {
	log     *slog.Logger
	metrics *metrics
	traces  *traces
	names   operationNames
}

// New returns the telemetry of a service. It sends traces to the collector that the OTEL_ variables name, and to spans, which
// may be nil.
func New(ctx context.Context, log *slog.Logger, spans SpanProcessor) (*Telemetry, error) {
	traces, err := newTraces(ctx, log, spans)
	if err != nil {
		return nil, err
	}
	m := newMetrics()
	return &Telemetry{log: log, metrics: m, traces: traces, names: operationNames{dropped: m.dropped}}, nil
}

// Observer feeds metrics and traces with what the database does.
func (t *Telemetry) Observer() db.Observer {
	return db.Observer{Retry: t.metrics.retried, Limited: t.metrics.limited, Transaction: t.traces.transaction, Statement: t.traces.statement}
}

// Watch adds metrics that are read on a scrape only. Call it once.
func (t *Telemetry) Watch(w Watched) { t.metrics.watch(w) }

// ConnState counts the connections of clients, as the hook of an http.Server.
func (t *Telemetry) ConnState(c net.Conn, state http.ConnState) { t.metrics.connState(c, state) }

// TrustOperations names the operations whose names always become labels of metrics. Call it before the first request.
func (t *Telemetry) TrustOperations(isTrusted func(name string) bool) { t.names.isTrusted = isTrusted }

// Denied counts a field that a rule refused.
func (t *Telemetry) Denied(rule string, code fault.Code) { t.metrics.denied(rule, code) }

// MailSettled counts an attempt to send a mail.
func (t *Telemetry) MailSettled(kind outbox.Kind, outcome outbox.Outcome) {
	t.metrics.settled(kind, outcome)
}

// MetricsHandler serves the metrics in Prometheus' format.
func (t *Telemetry) MetricsHandler() http.Handler { return t.metrics.handler() }

// Shutdown sends the remaining spans until ctx ends. A failure is logged only: the service works without a collector.
func (t *Telemetry) Shutdown(ctx context.Context) {
	if err := t.traces.shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "failed to send the remaining traces", "error", err)
	}
}

// Around counts each request, gives it a span, and measures the time until its reply is written.
func (t *Telemetry) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.metrics.inFlight.Add(1)
		defer t.metrics.inFlight.Add(-1)
		begun, x, answered := time.Now(), ExchangeOf(r.Context()), false
		x.kind, x.Outcome = "none", string(fault.Internal)
		ctx, end := t.traces.request(r, x.ID)
		if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
			x.TraceID = span.TraceID().String()
		}
		defer func() {
			status := x.Status
			if !answered {
				status = http.StatusInternalServerError // next panicked; an outer handler replies
			}
			t.metrics.requested(x, time.Since(begun))
			end(status)
		}()
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
		answered = true
	})
}

// Operation notes the operation of a request and begins its span. Call end when the outcome is known.
func (t *Telemetry) Operation(ctx context.Context, op *ast.OperationDefinition) (_ context.Context, end func()) {
	x := ExchangeOf(ctx)
	x.Operation = string(op.Operation) + " " + fault.Shorten(op.Name)
	x.kind, x.name = string(op.Operation), t.names.label(op.Name)
	ctx, span := t.traces.operation(ctx, x.kind, boundedName(op.Name))
	return ctx, func() {
		if x.Outcome != OK {
			fail(span, x.Outcome, isOurs(x.Outcome))
		}
		span.End()
	}
}

// isOurs reports whether an outcome is a failure of the service, and not a refusal.
func isOurs(outcome string) bool {
	return outcome == string(fault.Internal) || outcome == string(fault.Unavailable)
}
