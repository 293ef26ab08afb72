package edge

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/edge/reply"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/telemetry"
)

const (
	maxHeaderBytes    = 16 << 10
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
)

// NewServer returns an HTTP server with time-outs for a client that is slow at any step. The handler has timeout for a reply.
func NewServer(handler http.Handler, timeout time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		ReadTimeout:  timeout,
		WriteTimeout: timeout + 5*time.Second, // so that the handler can still report its own time-out
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnContext: reply.WithConn,
	}
}

// WriteError writes an error in the form of GraphQL.
func WriteError(ctx context.Context, w http.ResponseWriter, status int, f *fault.Error) {
	WriteJSON(w, status, errorBody(f.Message, extensions(ctx, f)))
}

// errorBody is a response with one error, as GraphQL has it.
func errorBody(message string, extensions map[string]any) any {
	type shown struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	}
	return map[string][]shown{"errors": {{message, extensions}}}
}

// WriteJSON writes a body as JSON.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck,errchkjson // the client may have left
}

type statusWriter struct {
	http.ResponseWriter
	exchange *telemetry.Exchange
}

func (w *statusWriter) WriteHeader(status int) {
	w.exchange.Status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// usualHeaders are those of every reply that have one value for all. Replies share the lists, which have no room for another.
var usualHeaders = http.Header{
	"Cache-Control":           {"no-store"},
	"X-Content-Type-Options":  {"nosniff"},
	"X-Frame-Options":         {"DENY"},
	"Referrer-Policy":         {"no-referrer"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
}

// around gives each request an id, a deadline, the headers that every reply has and a line in the log. It replies if the handler
// panics.
func around(next http.Handler, o Options, trusted []netip.Prefix) http.Handler {
	var warn sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.Development && len(r.Header["X-Forwarded-For"]) > 0 && !isTrusted(r.RemoteAddr, trusted) {
			warn.Do(func() {
				o.Log.WarnContext(r.Context(), "ignoring X-Forwarded-For from a peer that is not in FREEHOLD_TRUSTED_PROXIES; "+
					"if it is your proxy, all its clients share one rate limit", "peer", r.RemoteAddr)
			})
		}
		begun := time.Now()
		ctx, x := telemetry.WithExchange(r.Context(), forwardedID(r, trusted))
		ctx, denials := explain.WithDenials(ctx)
		client := clientAddress(r, trusted)
		ctx = auth.WithClient(ctx, client, r.UserAgent())
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		ctx = o.WithShare(ctx)
		inner := r.WithContext(ctx) // the mux notes the route in it; the path may be anything
		h := w.Header()
		maps.Copy(h, usualHeaders)
		h.Set("X-Request-Id", x.ID)
		sw := &statusWriter{w, x}
		defer func() {
			if cause := recover(); cause != nil {
				replyToPanic(ctx, o.Log, sw, cause)
			}
			denials.Log(ctx, o.Log)
			logRequest(ctx, o.Log, inner, client, time.Since(begun))
		}()
		next.ServeHTTP(&plainErrors{ResponseWriter: sw, request: inner, missingPage: o.MissingPage}, inner)
	})
}

// logRequest writes a line about a request that was answered. Refusals have the code of their first error.
func logRequest(ctx context.Context, log *slog.Logger, r *http.Request, client string, took time.Duration) {
	x, level := telemetry.ExchangeOf(ctx), slog.LevelInfo
	if x.Routine && x.Status < http.StatusBadRequest {
		level = slog.LevelDebug
	}
	if !log.Enabled(ctx, level) { // computing the arguments takes time
		return
	}
	if host, _, err := net.SplitHostPort(client); err == nil {
		client = host
	}
	about := []slog.Attr{
		slog.String("route", r.Pattern), slog.String("method", fault.Shorten(r.Method)), slog.String("operation", x.Operation), slog.Int("status", x.Status),
		slog.String("took", took.Round(time.Microsecond).String()), slog.String("client", client),
	}
	if x.Outcome != "" && x.Outcome != telemetry.OK {
		about = append(about, slog.String("code", x.Outcome))
	}
	if x.TraceID != "" {
		about = append(about, slog.String("traceId", x.TraceID))
	}
	log.LogAttrs(ctx, level, "request", about...)
}

func replyToPanic(ctx context.Context, log *slog.Logger, w http.ResponseWriter, cause any) {
	presenter{log}.recovered(ctx, cause) //nolint:errcheck // it logs; the reply follows
	WriteError(ctx, w, http.StatusInternalServerError, fault.Bug())
}
