package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/web"
)

const (
	maxHeaderBytes    = 16 << 10
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
)

// newServer returns an HTTP server with time-outs for a client that is slow at any step.
func newServer(handler http.Handler, c Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		ReadTimeout:  c.RequestTimeout,
		WriteTimeout: c.RequestTimeout + 5*time.Second, // the handler has until RequestTimeout, then says so
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// routes is what is served where.
func (a *App) routes(keys *auth.Keys, graphQL http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300") // a new key signs only later than that
		w.Header().Set("Access-Control-Allow-Origin", "*")     // the keys are public, and pages verify tokens with them
		writeJSON(w, http.StatusOK, keys.JWKS())
	})
	mux.Handle("/graphql", graphQL)
	if a.config.Development() {
		a.serveDeveloper(mux)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(r.Context(), w, http.StatusNotFound, errorOf(http.StatusNotFound))
	})
	return a.around(mux)
}

// serveDeveloper serves the playground and the mailbox, to this machine alone.
func (a *App) serveDeveloper(mux *http.ServeMux) {
	local, mailbox := newLocal(a.config), ""
	if a.HasMailbox() {
		mailbox = "/dev/mail"
	}
	playground := local.protect(web.Handler("/graphql", mailbox, a.program.Access()))
	mux.Handle("GET /{$}", playground)
	mux.Handle("GET /playground/", playground)
	if a.mailer.mailbox != nil {
		a.serveMailbox(func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, local.protect(handler)) })
	}
}

// readyz says whether requests should be sent here: not while draining, nor while the database does not answer or takes no
// writes.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch err := a.db.Ready(ctx); {
	case a.draining.Load():
		writeStatus(w, http.StatusServiceUnavailable, "draining")
	case errors.Is(err, db.ErrReadOnly):
		a.log.WarnContext(ctx, "not ready", "error", err)
		writeStatus(w, http.StatusServiceUnavailable, "database read-only")
	case err != nil:
		a.log.WarnContext(ctx, "not ready", "error", err)
		writeStatus(w, http.StatusServiceUnavailable, "database unavailable")
	default:
		writeStatus(w, http.StatusOK, "ready")
	}
}

func writeStatus(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"status": text})
}

func writeError(ctx context.Context, w http.ResponseWriter, status int, f *fault.Error) {
	writeJSON(w, status, errorBody(f.Message, extensions(ctx, f)))
}

// errorBody is a response with one error, as GraphQL has it.
func errorBody(message string, extensions map[string]any) any {
	type shown struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	}
	return map[string][]shown{"errors": {{message, extensions}}}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck,errchkjson // if the client is gone there is nobody to tell
}

// exchange is what the log, metrics and traces tell of a request: no header, no variable, no document.
type exchange struct {
	id        string
	operation string
	status    int
	reason    fault.Reason // why the token that was sent is not accepted; "" for none
	denials   *denials
	observed
}

type exchangeKey struct{}

// exchangeOf returns the exchange that ctx belongs to, or one that nobody looks at.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{denials: &denials{}}
}

func requestID(ctx context.Context) string { return exchangeOf(ctx).id }

// noteOperation keeps the operation's kind and name for the log.
func noteOperation(ctx context.Context, op *graphql.OperationContext) {
	exchangeOf(ctx).operation = string(op.Operation.Operation) + " " + shorten(op.Operation.Name)
}

type statusWriter struct {
	http.ResponseWriter
	exchange *exchange
}

func (w *statusWriter) WriteHeader(status int) {
	w.exchange.status = status
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

// around gives each request an id, a deadline, the headers that every reply has, a line in the log, and an answer
// even if the handler panics.
func (a *App) around(next http.Handler) http.Handler {
	trusted, _ := parseProxies(a.config.TrustedProxies) // judged with the rest of the configuration
	var warn sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.config.Development() && len(r.Header["X-Forwarded-For"]) > 0 && !isTrusted(r.RemoteAddr, trusted) {
			warn.Do(func() {
				a.log.WarnContext(r.Context(), "a peer that is not in FREEHOLD_TRUSTED_PROXIES sends X-Forwarded-For, which is ignored; "+
					"if it is your proxy, all its clients count as one for the limits", "peer", r.RemoteAddr)
			})
		}
		begun, x := time.Now(), &exchange{id: uuid.NewString(), status: http.StatusOK, denials: &denials{}}
		ctx := auth.WithClient(context.WithValue(r.Context(), exchangeKey{}, x), clientAddress(r, trusted), r.UserAgent())
		ctx, cancel := context.WithTimeout(ctx, a.config.RequestTimeout)
		defer cancel()
		ctx = a.db.WithShare(ctx)
		inner := r.WithContext(ctx) // the mux notes the route in it: what was sent as a path may be anything
		h := w.Header()
		maps.Copy(h, usualHeaders)
		h.Set("X-Request-Id", x.id)
		sw := &statusWriter{w, x}
		defer func() {
			if cause := recover(); cause != nil {
				a.answerPanic(ctx, sw, cause)
			}
			x.denials.log(ctx, a.log)
			if a.log.Enabled(ctx, slog.LevelInfo) { // the arguments take time
				a.log.InfoContext(ctx, "request", "route", inner.Pattern, "method", shorten(r.Method), "operation", x.operation,
					"status", x.status, "took", time.Since(begun).Round(time.Microsecond).String())
			}
		}()
		next.ServeHTTP(&plainErrors{ResponseWriter: sw, request: inner}, inner)
	})
}

func (a *App) answerPanic(ctx context.Context, w http.ResponseWriter, cause any) {
	presenter{a.log}.recovered(ctx, cause) //nolint:errcheck // for the log; the answer follows
	writeError(ctx, w, http.StatusInternalServerError, fault.Bug())
}
