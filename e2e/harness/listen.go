package harness

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
)

// Listen serves with the server's own time-outs and draining, and returns how to begin to drain.
func Listen(t *testing.T, o app.Options, further ...string) (s *Service, drain func() error) {
	t.Helper()
	return ListenOn(t, dbtest.New(t), func(l net.Listener) net.Listener { return l }, o, further...)
}

// ListenOn is listen on a database, and on what wrap makes of the listener.
func ListenOn(t *testing.T, d dbtest.Database, wrap func(net.Listener) net.Listener, o app.Options, further ...string) (s *Service, drain func() error) {
	t.Helper()
	logs := &LogBuffer{}
	o.Log = slog.New(slog.NewJSONHandler(logs, nil))
	a, err := Program.New(levers.With(t.Context(), Cheap), Config(t, d.App, further...), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, wrap(l)) }()
	drained := false
	drain = func() error {
		if drained {
			return nil
		}
		drained = true
		cancel()
		return <-done
	}
	s = &Service{T: t, DB: d, URL: "http://" + l.Addr().String(), Logs: logs, App: a}
	t.Cleanup(func() {
		drain() // the test has looked
		a.Close()
		s.CheckLog()
	})
	return s, drain
}

// PoolSize is the number of connections of a service behind a proxy.
const PoolSize = 4

// StartBehindProxy is a service whose database connections can go silent. Its statements have a second, so that a request
// has time for another try.
func StartBehindProxy(t *testing.T, further ...string) (*Service, *dbtest.Proxy) {
	t.Helper()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.App)
	d.App = p.URL(d.App)
	return StartWith(t, d, BothLayers, app.Options{}, append([]string{
		"FREEHOLD_REQUEST_TIMEOUT=5s", "FREEHOLD_STATEMENT_TIMEOUT=1s", fmt.Sprint("FREEHOLD_DATABASE_CONNECTIONS=", PoolSize),
	}, further...)...), p
}
