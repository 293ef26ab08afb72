// Package harness starts freehold with a database of its own and sends it requests over HTTP, for the tests in the
// packages beside it. It owns what several of them share: services, requests, accounts, mails, browsers, clocks. It must
// not know what they prove.
package harness

import (
	"cmp"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/modules"
)

// Program is the program of this module, which is tested unless a Setup has another one.
var Program = modules.MustProgram()

// Service is a running freehold with a database of its own.
type Service struct {
	T    testing.TB
	DB   dbtest.Database
	URL  string
	Logs *LogBuffer
	App  *app.App

	log      *slog.Logger // writes to Logs
	expected []string     // errors in the log that the test must cause
	Allowed  []string     // errors in the log that the test may cause

	prefix   string // of the names of cookies
	ByCookie bool   // makes Refresh use the cookie

	FromAnywhere bool // gives each request a client address of its own; the service must trust 127.0.0.1
}

// Layers says which of the two layers protect the rows of a service: the field rules, the row policies, or both.
type Layers int

// The layers that a service can have.
const (
	BothLayers    Layers = iota
	RulesAlone           // the database role bypasses the row policies
	PoliciesAlone        // the field rules are switched off
)

func (w Layers) String() string {
	return [...]string{"both layers", "rules alone", "policies alone"}[w]
}

// Config returns the settings of a test's service; further ones are NAME=value.
func Config(t testing.TB, databaseURL string, further ...string) config.Config {
	t.Helper()
	return configOf(t, Program, databaseURL, further...)
}

func configOf(t testing.TB, p *app.Program, databaseURL string, further ...string) config.Config {
	t.Helper()
	c, err := p.LoadConfig(append([]string{
		"DATABASE_URL=" + databaseURL, "FREEHOLD_DATA_DIR=" + t.TempDir(), "FREEHOLD_RATE_LIMIT=off", "FREEHOLD_LOG_LEVEL=DEBUG",
		"FREEHOLD_REQUEST_TIMEOUT=60s", "FREEHOLD_STATEMENT_TIMEOUT=60s", // machines are slow and -race is on; tests of timeouts set their own
	}, further...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Production returns the settings of a service in production, for a database.
func Production(t testing.TB, d dbtest.Database) []string {
	t.Helper()
	dir := t.TempDir()
	StartWith(t, d, BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+dir) // creates the signing key
	return []string{"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://id.example", "FREEHOLD_SIGNING_KEY_FILE=" + dir + "/signing-key.pem", "FREEHOLD_DRAIN_DELAY=0s"}
}

// Setup is how to start a service. The zero value of each field is the usual one.
type Setup struct {
	Program  *app.Program    // the variable Program if it is nil
	Database dbtest.Database // a new one if it is the zero value
	Layers   Layers
	FullCost bool                            // password hashes cost as much as in production
	AnyCost  bool                            // an operation may select everything, however many pages that is
	Rule     func(field string) string       // replaces the rules of fields, as levers.Levers describes
	Wrap     func(http.Handler) http.Handler // returns the handler in front of the service
	Options  app.Options
	Settings []string // further ones, as NAME=value
}

// Start starts a service with a new database. Further settings are NAME=value.
func Start(t testing.TB, further ...string) *Service {
	t.Helper()
	return Setup{Settings: further}.Start(t)
}

// StartWith starts a service on a database.
func StartWith(t testing.TB, d dbtest.Database, w Layers, o app.Options, further ...string) *Service {
	t.Helper()
	return Setup{Database: d, Layers: w, Options: o, Settings: further}.Start(t)
}

// Start starts the service and stops it when the test ends.
func (x Setup) Start(t testing.TB) *Service {
	t.Helper()
	s := x.Prepare(t)
	handler := s.App.Handler()
	if x.Wrap != nil {
		handler = x.Wrap(handler)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelError) // a panic that the service did not recover from
	server.Start()
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Prepare returns the service before it listens. When the test ends, the service is closed, and then the test fails if the
// log has an error or a panic that the test does not expect.
func (x Setup) Prepare(t testing.TB) *Service {
	t.Helper()
	p := cmp.Or(x.Program, Program)
	if x.Database == (dbtest.Database{}) && p.IsSubgraph() {
		x.Database = dbtest.NewSubgraph(t, p.Migrations()...)
	} else if x.Database == (dbtest.Database{}) {
		x.Database = dbtest.New(t)
	}
	s := &Service{T: t, DB: x.Database, Logs: &LogBuffer{}}
	weakened := levers.Levers{CheapPasswords: !x.FullCost, Rule: x.Rule, AnyRole: x.Layers == RulesAlone}
	url := x.Database.App
	switch x.Layers {
	case RulesAlone:
		url = x.Database.Bypass
	case PoliciesAlone:
		weakened.Rule = func(string) string { return "@public" }
	case BothLayers:
	}
	c, o := configOf(t, p, url, x.Settings...), x.Options
	if x.AnyCost {
		c.CostLimit = math.MaxInt32
	}
	if o.MailLatest = cmp.Or(o.MailLatest, mailAtOnce); o.MailLatest == UsualMailWait {
		o.MailLatest = 0
	}
	s.log = JSONLog(s.Logs, c)
	o.Log = s.log
	if strings.HasPrefix(c.PublicURL, "https:") {
		s.prefix = "__Host-"
	}
	a, err := p.New(levers.With(t.Context(), weakened), c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		s.CheckLog()
	})
	s.App = a
	return s
}

const (
	mailAtOnce = time.Nanosecond // the longest that a mail waits, unless the test sets Options.MailLatest

	// UsualMailWait is Options.MailLatest for a service whose mails wait as long as in production.
	UsualMailWait time.Duration = -1
)
