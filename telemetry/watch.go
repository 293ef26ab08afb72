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

// scrapeTimeout is how long the answers of the database may take on a scrape.
const scrapeTimeout = time.Second

func (m *metrics) watch(w Watched) {
	m.registry.MustRegister(databaseCollector{w})
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
}

func (m *metrics) gauge(name, help string, read func() float64) {
	promauto.With(m.registry).NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

func (m *metrics) counter(name, help string, read func() float64) {
	promauto.With(m.registry).NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read)
}

// databaseCollector reads the pool once, and only then asks the database, so that the metrics of the pool leave out the questions. The
// metrics of mails are NaN if the database does not answer.
type databaseCollector struct{ Watched }

var (
	connectionsOpen  = describe("freehold_database_connections_open", "Connections to the database, in use or idle.")
	connectionsInUse = describe("freehold_database_connections_in_use", "Connections in a transaction.")
	connectionsIdle  = describe("freehold_database_connections_idle", "Connections that wait for work.")
	connectionsMax   = describe("freehold_database_connections_max", "Connections that there can be.")
	waits            = describe("freehold_database_waits_total", "Transactions that waited for a connection.")
	waitSeconds      = describe("freehold_database_wait_seconds_total", "Time that transactions waited for a connection.")
	ready            = describe("freehold_ready", "1 if requests should be sent to this instance, as /readyz says.")
	mailsWaiting     = describe("freehold_mails_waiting", "Mails in the outbox that are neither sent nor parked.")
	mailsOldest      = describe("freehold_mails_oldest_waiting_seconds", "How long the oldest of these mails has waited; 0 if there is none.")
	mailsParked      = describe("freehold_mails_parked", "Mails in the outbox that are not retried any more.")
)

func describe(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

func (c databaseCollector) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectionsOpen, connectionsInUse, connectionsIdle, connectionsMax, waits, waitSeconds, ready} {
		all <- d
	}
	if c.Hasher != nil {
		all <- mailsWaiting
		all <- mailsOldest
		all <- mailsParked
	}
}

func (c databaseCollector) Collect(all chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		all <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	pool := c.DB.Stats()
	gauge(connectionsOpen, float64(pool.OpenConnections))
	gauge(connectionsInUse, float64(pool.InUse))
	gauge(connectionsIdle, float64(pool.Idle))
	gauge(connectionsMax, float64(pool.MaxOpenConnections))
	all <- prometheus.MustNewConstMetric(waits, prometheus.CounterValue, float64(pool.WaitCount))
	all <- prometheus.MustNewConstMetric(waitSeconds, prometheus.CounterValue, pool.WaitDuration.Seconds())

	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	isReady := 0.0
	if c.Ready(ctx) == nil {
		isReady = 1
	}
	gauge(ready, isReady)
	if c.Hasher == nil {
		return
	}
	waiting, oldest, parked := math.NaN(), math.NaN(), math.NaN()
	if s, err := c.DB.OutboxState(ctx); err == nil {
		waiting, oldest, parked = float64(s.Waiting), s.Oldest, float64(s.Parked)
	}
	gauge(mailsWaiting, waiting)
	gauge(mailsOldest, oldest)
	gauge(mailsParked, parked)
}
