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
		AllowedOrigins: c.CORSOrigins, AllowedMethods: []string{http.MethodPost}, AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"X-Request-Id"}, MaxAge: 600,
	}).Handler(protected), nil
}
