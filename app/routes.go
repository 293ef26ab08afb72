package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/edge"
	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/edge/redirect"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/telemetry"
	"freehold.dev/freehold/web"
)

// routes adds what is served besides /graphql. A service without keys of its own has no jwks.
func (a *App) routes(mux *http.ServeMux, who identity, ownPages func(http.Handler) http.Handler) {
	if who.keys != nil {
		mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=300") // a new key signs only later than that
			w.Header().Set("Access-Control-Allow-Origin", "*")     // the keys are public, and pages verify tokens with them
			edge.WriteJSON(w, http.StatusOK, who.keys.JWKS())
		})
	}
	if len(a.config.Providers) > 0 {
		h := redirect.Handler{OAuth: who.oauth, Cookies: who.cookies, Log: a.log, OwnPages: ownPages, WriteError: writeError}
		h.Routes(mux)
	}
	if who.related != nil {
		mux.HandleFunc("GET /.well-known/webauthn", func(w http.ResponseWriter, _ *http.Request) { edge.WriteJSON(w, http.StatusOK, who.related) })
	}
	if a.config.Development() {
		a.serveDeveloper(mux)
	}
	mux.HandleFunc("GET /healthz", routine(func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, http.StatusOK, "alive") }))
	mux.HandleFunc("GET /readyz", routine(a.readyz))
}

// routine marks requests as checks, which fill the log otherwise.
func routine(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		telemetry.ExchangeOf(r.Context()).Routine = true
		next(w, r)
	}
}

// HasPlayground reports whether the playground is served: in development, on a loopback address.
func (a *App) HasPlayground() bool {
	return a.config.Development() && address.IsLoopback(a.config.Addr)
}

// missingPage returns what writes the page for a path that is not found; nil where the playground is not served.
func (a *App) missingPage() func(http.ResponseWriter) {
	if !a.HasPlayground() {
		return nil
	}
	return func(w http.ResponseWriter) { web.WriteMissing(w, "Not found") }
}

// serveDeveloper serves the playground and the mailbox, to this machine only.
func (a *App) serveDeveloper(mux *http.ServeMux) {
	local, mailbox := edge.NewLocal(a.config.Addr, a.config.PublicURL), ""
	if a.HasMailbox() {
		mailbox = "/dev/mail"
	}
	playground := local.Protect(web.Handler("/graphql", mailbox, a.program.Access()))
	mux.Handle("GET /{$}", playground)
	mux.Handle("GET /playground/", playground)
	if a.mailer.mailbox != nil {
		a.serveMailbox(func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, local.Protect(handler)) })
	}
}

// readyz reports whether requests should be sent to this instance: not while it drains, nor while the database does not answer
// or is read-only.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch err := a.ready(ctx); {
	case errors.Is(err, errDraining):
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

var errDraining = errors.New("the server is stopping")

// ready returns an error unless requests should be sent to this instance.
func (a *App) ready(ctx context.Context) error {
	if a.draining.Load() {
		return errDraining
	}
	return a.db.Ready(ctx)
}

func writeError(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	edge.WriteError(r.Context(), w, status, f)
}

func writeStatus(w http.ResponseWriter, status int, text string) {
	edge.WriteJSON(w, status, map[string]string{"status": text})
}
