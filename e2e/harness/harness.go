// Package harness starts freehold with a database of its own and sends it requests over HTTP, for the tests in the
// packages beside it. It owns what several of them share: services, requests, accounts, mails, browsers, clocks. It must
// not know what they prove.
package harness

import (
	"cmp"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/modules"
)

// Program is what is tested.
var Program = modules.MustProgram()

// Service is a running freehold with a database of its own.
type Service struct {
	T    testing.TB
	DB   dbtest.Database
	URL  string
	Logs *LogBuffer
	App  *app.App

	expected []string // errors of the log that the test causes
	Allowed  []string // those that it may cause

	prefix   string // of cookies' names
	ByCookie bool   // whether refresh goes by the cookie

	FromAnywhere bool // each request says that it comes from an address of its own; the service has to trust 127.0.0.1 for that
}

// Layers says which of the two are up.
type Layers int

const (
	BothLayers    Layers = iota
	RulesAlone           // the database role bypasses the row policies
	PoliciesAlone        // the field rules are switched off
)

func (w Layers) String() string {
	return [...]string{"both walls", "rules alone", "policies alone"}[w]
}

// Config returns the settings of a test's service; further ones are NAME=value.
func Config(t testing.TB, databaseURL string, further ...string) app.Config {
	t.Helper()
	c, err := app.LoadConfig(append([]string{
		"DATABASE_URL=" + databaseURL, "FREEHOLD_DATA_DIR=" + t.TempDir(), "FREEHOLD_RATE_LIMIT=off", "FREEHOLD_LOG_LEVEL=DEBUG",
		"FREEHOLD_REQUEST_TIMEOUT=60s", "FREEHOLD_STATEMENT_TIMEOUT=60s", // machines are slow and -race is on; tests of time-outs set their own
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
	StartWith(t, d, BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+dir) // makes a key to use
	return []string{"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://id.example", "FREEHOLD_SIGNING_KEY_FILE=" + dir + "/signing-key.pem"}
}

// Start starts a service with a database of its own, and cheap password hashes.
func Start(t testing.TB, further ...string) *Service {
	return StartWith(t, dbtest.New(t), BothLayers, app.Options{}, further...)
}

// StartAtFullCost is start with password hashes at their full cost.
func StartAtFullCost(t testing.TB, further ...string) *Service {
	return StartWeakened(t, dbtest.New(t), BothLayers, levers.Levers{}, app.Options{}, further...)
}

// Cheap weakens nothing but password hashes.
var Cheap = levers.Levers{CheapPasswords: true}

// StartWith starts a service on a database, with cheap password hashes.
func StartWith(t testing.TB, d dbtest.Database, w Layers, o app.Options, further ...string) *Service {
	t.Helper()
	return StartWeakened(t, d, w, Cheap, o, further...)
}

// StartWeakened is StartWith for a service that l weakens.
func StartWeakened(t testing.TB, d dbtest.Database, w Layers, l levers.Levers, o app.Options, further ...string) *Service {
	t.Helper()
	s := &Service{T: t, DB: d, Logs: &LogBuffer{}}
	url := d.App
	if w == PoliciesAlone {
		l.Rule = func(string) string { return "public" }
	}
	if w == RulesAlone {
		url, l.AnyRole = d.Bypass, true
	}
	c := Config(t, url, further...)
	o.MailLatest = cmp.Or(o.MailLatest, mailAtOnce)
	o.Log = JSONLog(s.Logs, c)
	if strings.HasPrefix(c.PublicURL, "https:") {
		s.prefix = "__Host-"
	}
	a, err := Program.New(levers.With(t.Context(), l), c, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(a.Handler())
	server.Config.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelError) // a panic that nothing else has seen
	server.Start()
	t.Cleanup(func() {
		server.Close()
		a.Close()
		s.CheckLog()
	})
	s.URL, s.App = server.URL, a
	return s
}

// mailAtOnce has mails sent without the usual wait.
const mailAtOnce = time.Nanosecond

// Options are what a test's own service is made with.
func Options() app.Options { return app.Options{} }
