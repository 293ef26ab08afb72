package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"freehold.dev/freehold/edge"
)

// serveOperators serves metrics and pprof, each at its configured address, until stop is called.
func (a *App) serveOperators(ctx context.Context) (stop func(), err error) {
	var servers []*http.Server
	stop = func() {
		for _, s := range servers {
			s.Close() //nolint:errcheck // no request is worth waiting for
		}
	}
	for _, s := range []struct {
		setting, address, what, path string
		handler                      http.Handler
	}{
		{"FREEHOLD_METRICS_ADDR", a.config.MetricsAddr, "serving metrics", "/metrics", a.metricsMux()},
		{"FREEHOLD_PPROF_ADDR", a.config.PprofAddr, "serving pprof", "/debug/pprof/", pprofMux()},
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
		go server.Serve(l) //nolint:errcheck // stop ends it; the service works without it
		a.log.InfoContext(ctx, s.what, "url", "http://"+l.Addr().String()+s.path)
	}
	return stop, nil
}

func (a *App) metricsMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics())
	return mux
}

// pprofMux serves profiles of the process for `go tool pprof`, but not its command line. They may take longer than other requests,
// since package pprof extends the deadline of the server.
func pprofMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
