// Package app owns wiring and lifetimes: it builds a service from the modules of a program and its settings, starts it and stops it. It
// knows all packages that serve. It must not decide anything about a request, nor know the environment, which package config below it
// reads.
package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"freehold.dev/freehold/accounts/anonymous"
	"freehold.dev/freehold/accounts/factors"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/edge"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/resolvers"
	"freehold.dev/freehold/telemetry"
)

// RolesSQL is the SQL that creates the database roles; see docs/deployment.md.
var RolesSQL = db.RolesSQL

// Options are what a program decides. config.Config is what its operator decides.
type Options struct {
	Log            *slog.Logger
	MailTemplates  fs.FS                   // templates that replace ours of the same name; FREEHOLD_MAIL_TEMPLATES replaces both; nil for none
	MailFirstRetry time.Duration           // how long a mail waits after its first failure; 0 for the default
	MailLatest     time.Duration           // a mail is sent after a random time between a sixth of this and this; 0 for 3 s
	Observe        func(query string)      // gets each SQL statement before it runs
	Now            func() time.Time        // the clock of tokens and birthdays; nil: time.Now
	Spans          telemetry.SpanProcessor // gets each span of the traces, besides the collector that the OTEL_ variables name

	WithoutJobs bool // Serve does not call App.Work

	Further []Module // added to those of the program; for tests
}

// App is the service, ready to serve.
type App struct {
	config    config.Config
	program   *Program
	log       *slog.Logger
	telemetry *telemetry.Telemetry
	db        *db.DB
	mailer    *mailer
	anonymous *anonymous.Service // nil in a second subgraph
	factors   *factors.Service   // nil in a second subgraph
	keys      *keys.Set          // nil in a second subgraph
	explainer *explain.Explainer // nil: refusals are not explained
	handler   http.Handler
	draining  atomic.Bool

	withoutJobs bool
}

// New returns the service of a program that consists of these modules. Close it after use.
func New(ctx context.Context, c config.Config, g Graph, modules ...Module) (*App, error) {
	p, err := NewProgram(g, modules...)
	if err != nil {
		return nil, err
	}
	return p.New(ctx, c, Options{})
}

// New returns the service. Close it after use. It checks everything that can be wrong before the first request: the rules of the
// schema, the role of the database, its migrations and row policies, the signing keys and the trusted documents.
func (p *Program) New(ctx context.Context, c config.Config, o Options) (_ *App, err error) {
	if len(o.Further) > 0 {
		if p, err = NewProgram(p.graph, slices.Concat(p.modules, o.Further)...); err != nil {
			return nil, err
		}
	}
	if err := p.checkStrongScopes(c); err != nil {
		return nil, err
	}
	lever := levers.From(ctx)
	a := &App{config: c, program: p, log: o.Log, mailer: &mailer{}, withoutJobs: o.WithoutJobs}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.telemetry, err = telemetry.New(ctx, a.log, o.Spans); err != nil {
		return nil, err
	}
	observer := a.telemetry.Observer()
	observer.Enqueued, observer.Query = func() { a.mailer.nudge() }, o.Observe
	if a.db, err = db.Open(db.Options{URL: c.DatabaseURL, MaxConnections: c.DatabaseConnections, StatementTimeout: c.StatementTimeout, Observer: observer, Subgraph: p.subgraph, StrongScopes: c.RequireMFA}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if err := a.checkDatabase(ctx, lever); err != nil {
		return nil, err
	}
	if a.HasPlayground() {
		if a.explainer, err = explain.New(p.layers, a.db, c.MigrateURL); err != nil {
			return nil, err
		}
	}
	who, err := a.identify(ctx, c, o)
	if err != nil {
		return nil, err
	}
	a.anonymous, a.factors = who.anonymous, who.factors
	a.keys = who.keys
	a.telemetry.Watch(telemetry.Watched{DB: a.db, Ready: a.ready, Hasher: who.hasher, Keys: a.keyAges})
	root := &resolvers.Resolvers{DB: a.db, Accounts: who.accounts, MailCodes: who.mailCodes, Anonymous: who.anonymous, Factors: who.factors, Operators: who.operators, OAuth: who.oauth, Exports: who.exports, Missed: explain.Missed, Passkeys: who.passkeys, Limits: resolvers.RequestLimits{
		Cost: c.CostLimit, Depth: c.DepthLimit, Aliases: c.AliasLimit, Tokens: c.TokenLimit, Bytes: int(c.BodyLimit), Reply: c.ReplyLimit,
	}}
	schema, err := p.newSchema(root, a.denied, lever)
	if err != nil {
		return nil, err
	}
	documents, err := p.newDocuments(ctx, c, schema.Schema(), root)
	if err != nil {
		return nil, err
	}
	a.telemetry.TrustOperations(documents.IsTrusted)
	a.handler, err = edge.New(edge.Options{
		Development: c.Development(), Addr: c.Addr, PublicURL: c.PublicURL, Timeout: c.RequestTimeout,
		BodyLimit: c.BodyLimit, ReplyLimit: c.ReplyLimit, ReplyMemory: c.ReplyMemory,
		TrustedProxies: c.TrustedProxies, CORSOrigins: c.CORSOrigins, CORSHeaders: c.CORSHeaders,
		Log: a.log, Telemetry: a.telemetry, Explainer: a.explainer, Schema: schema, Documents: documents,
		Cookies: who.cookies, Viewer: who.viewer, Prove: a.db.ProveSession, WithShare: a.db.WithShare,
		MissingPage: a.missingPage(),
		Routes:      func(mux *http.ServeMux, ownPages func(http.Handler) http.Handler) { a.routes(mux, who, ownPages) },
	})
	return a, err
}

// denied notes that a rule refused a field.
func (a *App) denied(ctx context.Context, d directives.Denial) {
	a.telemetry.Denied("@"+d.Rule.Name, d.Code)
	explain.Denied(ctx, d)
}

func (a *App) checkDatabase(ctx context.Context, lever levers.Levers) error {
	if err := a.db.CheckServer(ctx); err != nil {
		return err
	}
	if !lever.AnyRole {
		if err := a.db.CheckRole(ctx); err != nil {
			return err
		}
	}
	if err := a.db.CheckVersion(ctx, a.program.Migrations()...); err != nil {
		return err
	}
	if err := a.program.registry.CheckDatabase(ctx, a.db); err != nil {
		return fmt.Errorf("the database does not protect an owned type as declared:\n%w", err)
	}
	return nil
}

// Handler returns the handler of the whole HTTP service.
func (a *App) Handler() http.Handler { return a.handler }

// Metrics returns the handler of the metrics, in Prometheus' format.
func (a *App) Metrics() http.Handler { return a.telemetry.MetricsHandler() }

// Close sends the remaining spans, and closes the database connections.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.config.DrainTimeout)
	defer cancel()
	a.telemetry.Shutdown(ctx)
	return errors.Join(a.explainer.Close(), a.db.Close())
}

// Serve serves requests on l, serves metrics and pprof on their own addresses, and calls Work, until ctx ends. Then it accepts no
// further requests, and waits up to DrainTimeout for current requests, the current mail and their spans.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	stop, err := a.serveOperators(ctx)
	if err != nil {
		return err
	}
	defer stop()
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		if !a.withoutJobs {
			a.Work(ctx)
		}
	}()
	server := edge.NewServer(a.handler, a.config.RequestTimeout, a.log)
	server.ConnState = a.telemetry.ConnState
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(edge.Listen(l)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	a.draining.Store(true)
	time.Sleep(a.config.DrainDelay) // requests are still served, so that balancers see /readyz change first
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.config.DrainTimeout)
	defer cancel()
	defer a.telemetry.Shutdown(drain)
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("drain: some requests were cut off: %w", err), server.Close())
	}
	select {
	case <-worked:
	case <-drain.Done(): // another instance sends the current mail again
	}
	return nil
}

// The name of the database of a private PostgreSQL, and its roles.
const (
	PrivateDatabaseName = "freehold"
	OwnerRole           = db.OwnerRole
	AppRole             = db.AppRole
	BackupRole          = db.BackupRole
)

// PreparePrivate creates the roles and the database in a private PostgreSQL.
func PreparePrivate(ctx context.Context, superuser *sql.DB, password string) error {
	return db.Bootstrap(ctx, superuser, PrivateDatabaseName, password)
}

// NewLog returns the logger that the configuration asks for.
func NewLog(w io.Writer, c config.Config) *slog.Logger {
	return telemetry.NewLog(w, c.Development(), c.LogLevel)
}
