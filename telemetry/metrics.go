package telemetry

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail/outbox"
)

// metrics are the metrics for Prometheus. docs/monitoring.md lists them. Each label has few values.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	denials   *prometheus.CounterVec
	retries   *prometheus.CounterVec
	mails     *prometheus.CounterVec
	limits    *prometheus.CounterVec
	internal  prometheus.Counter
	limitsBy  fewNames

	inFlight, connections atomic.Int64
}

func newMetrics() *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := ReadBuild()
	promauto.With(registry).NewGauge(prometheus.GaugeOpts{
		Name: "freehold_build_info", Help: "1, with the build of the program as labels.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "go": build.Go},
	}).Set(1)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return promauto.With(registry).NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: registry,
		requests: counter("freehold_requests_total", "GraphQL requests, by the outcome: ok or the code of the first error.", "kind", "operation", "code"),
		durations: promauto.With(registry).NewHistogramVec(prometheus.HistogramOpts{
			Name: "freehold_request_duration_seconds", Help: "Time from the head of a GraphQL request until its reply is written.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"kind", "operation"}),
		denials: counter("freehold_denials_total", "Fields that a rule refused.", "rule", "code"),
		retries: counter("freehold_transaction_retries_total", "Transactions that were retried, by the failure.", "reason"),
		mails:   counter("freehold_mails_total", "Attempts to send a mail, by their outcome: sent, failed (will retry) or parked.", "kind", "outcome"),
		internal: promauto.With(registry).NewCounter(prometheus.CounterOpts{
			Name: "freehold_internal_errors_total", Help: "GraphQL requests whose outcome is INTERNAL_SERVER_ERROR.", // from 0 on, so that an alert sees the first one
		}),
		limits: counter("freehold_rate_limited_total", "Attempts that a limit refused, by the limit.", "limit"),
	}
	for name, g := range map[string]struct {
		help string
		of   *atomic.Int64
	}{
		"freehold_requests_in_flight":    {"GraphQL requests that are being answered.", &m.inFlight},
		"freehold_http_connections_open": {"Connections of clients, in use or idle.", &m.connections},
	} {
		promauto.With(registry).NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help}, func() float64 { return float64(g.of.Load()) })
	}
	return m
}

func (m *metrics) settled(kind outbox.Kind, outcome outbox.Outcome) {
	m.mails.WithLabelValues(string(kind), string(outcome)).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) requested(x *Exchange, took time.Duration) {
	m.requests.WithLabelValues(x.kind, x.name, x.Outcome).Inc()
	m.durations.WithLabelValues(x.kind, x.name).Observe(took.Seconds())
	if x.Outcome == string(fault.Internal) {
		m.internal.Inc()
	}
}

// dropped deletes the series of an operation whose name is no longer a label.
func (m *metrics) dropped(operation string) {
	m.requests.DeletePartialMatch(prometheus.Labels{"operation": operation})
	m.durations.DeletePartialMatch(prometheus.Labels{"operation": operation})
}

func (m *metrics) denied(rule string, code fault.Code) {
	m.denials.WithLabelValues(rule, string(code)).Inc()
}

func (m *metrics) retried(reason string) { m.retries.WithLabelValues(reason).Inc() }

// limited counts an attempt that a limit refused. Modules may have limits of their own, so their number has a bound.
func (m *metrics) limited(limit string) { m.limits.WithLabelValues(m.limitsBy.label(limit)).Inc() }

// connState counts the connections of clients.
func (m *metrics) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		m.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		m.connections.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}
