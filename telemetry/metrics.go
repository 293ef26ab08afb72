package telemetry

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail/outbox"
)

// metrics are the metrics for Prometheus. docs/deployment.md lists them. Each label has few values.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	denials   *prometheus.CounterVec
	retries   *prometheus.CounterVec
	mails     *prometheus.CounterVec
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
	return &metrics{
		registry: registry,
		requests: counter("freehold_requests_total", "GraphQL requests, by the outcome: ok or the code of the first error.", "kind", "operation", "code"),
		durations: promauto.With(registry).NewHistogramVec(prometheus.HistogramOpts{
			Name: "freehold_request_duration_seconds", Help: "Time from the head of a GraphQL request until its reply is written.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"kind", "operation"}),
		denials: counter("freehold_denials_total", "Fields that a rule refused.", "rule", "code"),
		retries: counter("freehold_transaction_retries_total", "Transactions that were retried, by the failure.", "reason"),
		mails:   counter("freehold_mails_total", "Attempts to send a mail, by their outcome: sent, failed (will retry) or parked.", "kind", "outcome"),
	}
}

// watch adds what is read only on a scrape: the connection pool, the outbox and the queue of password hashes.
func (m *metrics) watch(d *db.DB, h *passwords.Hasher) {
	auto := promauto.With(m.registry)
	gauge := func(name, help string, read func() int) {
		auto.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	counter := func(name, help string, read func() float64) {
		auto.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read)
	}
	gauge("freehold_database_connections_open", "Connections to the database, in use or idle.", func() int { return d.Stats().OpenConnections })
	gauge("freehold_database_connections_in_use", "Connections in a transaction.", func() int { return d.Stats().InUse })
	gauge("freehold_database_connections_idle", "Connections that wait for work.", func() int { return d.Stats().Idle })
	counter("freehold_database_waits_total", "Transactions that waited for a connection.", func() float64 { return float64(d.Stats().WaitCount) })
	counter("freehold_database_wait_seconds_total", "Time that transactions waited for a connection.", func() float64 { return d.Stats().WaitDuration.Seconds() })
	if h == nil {
		return // a second subgraph has no passwords and sends no mails
	}
	auto.NewGaugeFunc(prometheus.GaugeOpts{Name: "freehold_mails_waiting", Help: "Mails in the outbox that are neither sent nor parked."}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n, err := d.CountWaitingMails(ctx)
		if err != nil {
			return math.NaN() // unknown
		}
		return float64(n)
	})
	gauge("freehold_password_hashes_waiting", "Callers that are waiting for a password hash.", func() int { return h.Load().Waiting })
	gauge("freehold_password_hashes_running", "Password hashes being computed.", func() int { return h.Load().Running })
	counter("freehold_password_hashes_refused_total", "Callers that were refused because too many were waiting for a password hash.", func() float64 { return float64(h.Load().Refused) })
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
