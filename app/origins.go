package app

import (
	"net/http"

	"github.com/rs/cors"

	"freehold/fault"
)

// crossOrigin lets browsers in from the service's own origin and from those that are configured, and from nowhere else.
func crossOrigin(c Config, next http.Handler) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(r.Context(), w, http.StatusForbidden, fault.New(fault.Forbidden, "Requests from this origin are not taken (FREEHOLD_CORS_ORIGINS)."))
	}))
	for _, origin := range c.CORSOrigins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	protected := protection.Handler(next)
	if len(c.CORSOrigins) == 0 {
		return protected, nil
	}
	return cors.New(cors.Options{
		AllowedOrigins: c.CORSOrigins, AllowedMethods: []string{http.MethodPost}, AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key"},
		ExposedHeaders: []string{"X-Request-Id"}, MaxAge: 600,
	}).Handler(protected), nil
}

var ownOrigin = http.NewCrossOriginProtection() // which trusts no other

// ofOwnOrigin reports whether a request may use cookies. One of a page of a configured origin may not: it proves itself
// by its tokens. One that says nothing of where it comes from is no browser's.
func ofOwnOrigin(r *http.Request) bool { return ownOrigin.Check(r) == nil }
