package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// traces creates a span for each request, operation, transaction and statement. Attributes have the names of OpenTelemetry's semantic
// conventions.
type traces struct {
	tracer   trace.Tracer // nil if there is no collector
	shutdown func(context.Context) error
}

// newTraces sends spans to the collector that the environment names, by OTLP over HTTP, and to also, if not nil. The standard OTEL_
// variables set sampling, batches and headers.
func newTraces(ctx context.Context, log *slog.Logger, also sdktrace.SpanProcessor) (*traces, error) {
	var processors []sdktrace.TracerProviderOption
	if also != nil {
		processors = append(processors, sdktrace.WithSpanProcessor(also))
	}
	if collectorNamed() {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("send traces (OTEL_EXPORTER_OTLP_…): %w", err)
		}
		processors = append(processors, sdktrace.WithBatcher(logged{exporter, log}))
	}
	if len(processors) == 0 {
		return &traces{nil, func(context.Context) error { return nil }}, nil
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "freehold")), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe the source of traces (OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	provider := sdktrace.NewTracerProvider(append(processors, sdktrace.WithResource(about))...)
	return &traces{provider.Tracer("freehold"), provider.Shutdown}, nil
}

func collectorNamed() bool {
	off := os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none"
	return !off && cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) != ""
}

// logged logs spans that could not be sent. The SDK would use a logger that the whole process shares.
type logged struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

func (l logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.WarnContext(ctx, "failed to send traces", "spans", len(spans), "error", err)
	}
	return nil
}

// request begins the span of a request. The client's traceparent is its parent. tracestate and baggage are ignored, since anything may
// be in them.
func (t *traces) request(r *http.Request, id string) (_ context.Context, end func(status int)) {
	if t.tracer == nil {
		return r.Context(), func(int) {}
	}
	sent := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	parent := trace.SpanContextFromContext(sent).WithTraceState(trace.TraceState{})
	method := knownMethod(r.Method)
	ctx, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(r.Context(), parent), method+" /graphql", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", "/graphql"), attribute.String("freehold.request_id", id)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			fail(span, strconv.Itoa(status), true)
		}
		span.End()
	}
}

// knownMethod returns the method of a request, or _OTHER, since clients can send any text.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

func (t *traces) operation(ctx context.Context, kind, name string) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, trace.SpanFromContext(ctx) // a span that records nothing
	}
	return t.tracer.Start(ctx, strings.TrimSpace(kind+" "+name), trace.WithAttributes(attribute.String("graphql.operation.type", kind), attribute.String("graphql.operation.name", name)))
}

var postgresql = attribute.String("db.system.name", "postgresql")

// transaction is a hook of the database. It does not trace transactions without a request, such as those at start-up.
func (t *traces) transaction(ctx context.Context) (_ context.Context, end func(failure string)) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, "transaction", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(postgresql))
	return ctx, func(failure string) { finish(span, failure) }
}

// statement is a hook of the database. The text is a literal of the source code without values, so it may be shown.
func (t *traces) statement(ctx context.Context, query string) (end func(failure string)) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return func(string) {}
	}
	verb := strings.TrimSpace(query)
	if end := strings.IndexAny(verb, " \t\n"); end > 0 {
		verb = verb[:end]
	}
	_, span := t.tracer.Start(ctx, verb, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(postgresql, attribute.String("db.query.text", query)))
	return func(failure string) { finish(span, failure) }
}

func finish(span trace.Span, failure string) {
	if failure != "" {
		fail(span, failure, true)
	}
	span.End()
}

// fail sets the kind of a failure on a span, never its text.
func fail(span trace.Span, kind string, isError bool) {
	span.SetAttributes(attribute.String("error.type", kind))
	if isError {
		span.SetStatus(codes.Error, "")
	}
}
