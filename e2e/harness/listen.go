package harness

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// Listen starts a service with the server's own time-outs. Drain stops it as SIGTERM does, and returns when it has ended.
func Listen(t testing.TB, o app.Options, further ...string) (s *Service, drain func() error) {
	t.Helper()
	return ListenOn(t, dbtest.New(t), func(l net.Listener) net.Listener { return l }, o, further...)
}

// ListenOn is Listen on a database, and on the listener that wrap returns.
func ListenOn(t testing.TB, d dbtest.Database, wrap func(net.Listener) net.Listener, o app.Options, further ...string) (s *Service, drain func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, d, wrap(l), o, further)
}

// ListenAt is ListenOn at an address, such as that of a service that has ended.
func ListenAt(t testing.TB, d dbtest.Database, address string, o app.Options, further ...string) (s *Service, drain func() error) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, d, l, o, further)
}

func serve(t testing.TB, d dbtest.Database, l net.Listener, o app.Options, settings []string) (s *Service, drain func() error) {
	t.Helper()
	s = Setup{Database: d, Options: o, Settings: settings}.Prepare(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.App.Serve(ctx, l) }()
	drain = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { drain() }) // a test of draining checks its error
	s.URL = "http://" + l.Addr().String()
	return s, drain
}

// PoolSize is the number of database connections of a service behind a proxy.
const PoolSize = 4

// StartBehindProxy starts a service whose database connections can go silent. A statement times out after a second, so that a
// request has time for another try.
func StartBehindProxy(t testing.TB, further ...string) (*Service, *dbtest.Proxy) {
	t.Helper()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.App)
	d.App = p.URL(d.App)
	return StartWith(t, d, BothLayers, app.Options{}, append([]string{
		"FREEHOLD_REQUEST_TIMEOUT=5s", "FREEHOLD_STATEMENT_TIMEOUT=1s", fmt.Sprint("FREEHOLD_DATABASE_CONNECTIONS=", PoolSize),
	}, further...)...), p
}

// FreePort returns a port of 127.0.0.1 on which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
