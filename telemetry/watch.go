package telemetry

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
)

// Watched is what metrics read on a scrape only.
type Watched struct {
	DB    *db.DB
	Ready func(context.Context) error // whether requests should be sent to this instance
	// A second subgraph has no passwords and no keys, and sends no mails.
	Hasher *passwords.Hasher
	Keys   func() (count int, signing time.Duration) // how many signing keys there are, and the age of the one that signs
}

// scrapeTimeout is how long one answer of the database may take on a scrape.
const scrapeTimeout = time.Second

func (m *metrics) watch(w Watched) {
	m.watchDatabase(w.DB)
	m.gauge("freehold_ready", "1 if requests should be sent to this instance, as /readyz says.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		if w.Ready(ctx) != nil {
			return 0
		}
		return 1
	})
	if w.Hasher == nil {
		return
	}
	load := w.Hasher.Load
	m.gauge("freehold_password_hashes_waiting", "Callers that are waiting for a password hash.", func() float64 { return float64(load().Waiting) })
	m.gauge("freehold_password_hashes_running", "Password hashes being computed.", func() float64 { return float64(load().Running) })
	m.counter("freehold_password_hashes_refused_total", "Callers that were refused because too many were waiting for a password hash.", func() float64 { return float64(load().Refused) })
	m.gauge("freehold_signing_keys", "Keys in the file of the signing keys.", func() float64 {
		count, _ := w.Keys()
		return float64(count)
	})
	m.gauge("freehold_signing_key_age_seconds", "Time since the key that signs was created.", func() float64 {
		_, age := w.Keys()
		return age.Seconds()
	})
	m.registry.MustRegister(outboxCollector{w.DB})
}

func (m *metrics) watchDatabase(d *db.DB) {
	m.gauge("freehold_database_connections_open", "Connections to the database, in use or idle.", func() float64 { return float64(d.Stats().OpenConnections) })
	m.gauge("freehold_database_connections_in_use", "Connections in a transaction.", func() float64 { return float64(d.Stats().InUse) })
	m.gauge("freehold_database_connections_idle", "Connections that wait for work.", func() float64 { return float64(d.Stats().Idle) })
	m.gauge("freehold_database_connections_max", "Connections that there can be.", func() float64 { return float64(d.Stats().MaxOpenConnections) })
	m.counter("freehold_database_waits_total", "Transactions that waited for a connection.", func() float64 { return float64(d.Stats().WaitCount) })
	m.counter("freehold_database_wait_seconds_total", "Time that transactions waited for a connection.", func() float64 { return d.Stats().WaitDuration.Seconds() })
}

func (m *metrics) gauge(name, help string, read func() float64) {
	promauto.With(m.registry).NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

func (m *metrics) counter(name, help string, read func() float64) {
	promauto.With(m.registry).NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read)
}

// outboxCollector asks the database once for all metrics of the outbox. They are NaN if it does not answer.
type outboxCollector struct{ db *db.DB }

var (
	mailsWaiting = prometheus.NewDesc("freehold_mails_waiting", "Mails in the outbox that are neither sent nor parked.", nil, nil)
	mailsOldest  = prometheus.NewDesc("freehold_mails_oldest_waiting_seconds", "How long the oldest of these mails has waited; 0 if there is none.", nil, nil)
	mailsParked  = prometheus.NewDesc("freehold_mails_parked", "Mails in the outbox that are not retried any more.", nil, nil)
)

func (outboxCollector) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{mailsWaiting, mailsOldest, mailsParked} {
		all <- d
	}
}

func (c outboxCollector) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	waiting, oldest, parked := math.NaN(), math.NaN(), math.NaN()
	if s, err := c.db.OutboxState(ctx); err == nil {
		waiting, oldest, parked = float64(s.Waiting), s.Oldest, float64(s.Parked)
	}
	for d, value := range map[*prometheus.Desc]float64{mailsWaiting: waiting, mailsOldest: oldest, mailsParked: parked} {
		all <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
}
