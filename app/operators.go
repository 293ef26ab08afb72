package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"freehold.dev/freehold/edge"
)

// serveInside serves what is for operators alone at the addresses that they chose, until stop is called: metrics and pprof.
func (a *App) serveInside(ctx context.Context) (stop func(), err error) {
	var servers []*http.Server
	stop = func() {
		for _, s := range servers {
			s.Close() //nolint:errcheck // nobody waits for a last answer
		}
	}
	for _, s := range []struct {
		setting, address, what, path string
		handler                      http.Handler
	}{
		{"FREEHOLD_METRICS_ADDR", a.config.MetricsAddr, "metrics are served", "/metrics", a.metricsMux()},
		{"FREEHOLD_PPROF_ADDR", a.config.PprofAddr, "pprof is served", "/debug/pprof/", pprofMux()},
	} {
		if s.address == "" {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address)
		if err != nil {
			stop()
			return nil, fmt.Errorf("listen (%s): %w", s.setting, err)
		}
		server := edge.NewServer(s.handler, a.config.RequestTimeout, a.log)
		servers = append(servers, server)
		go server.Serve(l) //nolint:errcheck // it ends by stop; without it the service goes on
		a.log.InfoContext(ctx, s.what, "url", "http://"+l.Addr().String()+s.path)
	}
	return stop, nil
}

func (a *App) metricsMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics())
	return mux
}

// pprofMux serves profiles of the process as `go tool pprof` reads them, but not its command line. They may take longer than
// other requests: package pprof moves the server's deadline.
func pprofMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
