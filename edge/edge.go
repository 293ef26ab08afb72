package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/telemetry"
)

// Options are what a service decides about its edge.
type Options struct {
	Development bool          // introspection is on
	Addr        string        // where the service listens
	PublicURL   string        // where browsers reach it
	Timeout     time.Duration // of a request

	BodyLimit   int64 // bytes of a request's body
	ReplyLimit  int   // bytes of data of a reply
	ReplyMemory int64 // bytes of all large replies under way

	TrustedProxies []string // addresses and blocks
	CORSOrigins    []string // normalized; whose pages may call the service with tokens
	CORSHeaders    []string // further request headers that such pages may send

	Log       *slog.Logger
	Telemetry *telemetry.Telemetry
	Explainer *explain.Explainer // nil: refusals are not explained
	Schema    graphql.ExecutableSchema
	Documents *document.Documents
	Cookies   *auth.Cookies // nil: clients hold no cookies

	// Viewer returns the viewer whom the headers of a request name. An invalid token makes the viewer anonymous, with the reason.
	Viewer func(context.Context, http.Header) (auth.Viewer, error)
	// Prove returns UNAUTHENTICATED if the session of a viewer is over.
	Prove func(context.Context, auth.Viewer) error
	// WithShare bounds the database connections of one request.
	WithShare func(context.Context) context.Context
	// MissingPage writes the page that browsers get for a path that is not found. nil: they get the same JSON as programs.
	MissingPage func(http.ResponseWriter)
	// Routes adds what is served besides /graphql. The handlers that ownPages returns serve only the service's own pages.
	Routes func(mux *http.ServeMux, ownPages func(http.Handler) http.Handler)
}

// New returns the handler of the whole service.
func New(o Options) (http.Handler, error) {
	origins, err := newOrigins(o)
	if err != nil {
		return nil, err
	}
	trusted, _ := address.ParseProxies(o.TrustedProxies) // checked with the rest of the configuration
	mux := http.NewServeMux()
	mux.Handle("/graphql", origins.protect(o.Telemetry.Around(newEndpoint(o, origins))))
	mux.HandleFunc("/", http.NotFound) // plainErrors replaces its reply
	if o.Routes != nil {
		o.Routes(mux, origins.ownPages)
	}
	return around(mux, o, trusted), nil
}
