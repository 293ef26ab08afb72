package harness

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// Metrics are series with their values, by name as Prometheus writes it.
type Metrics map[string]float64

// MetricsAt reads the metrics at a URL.
func (s *Service) MetricsAt(url string) (all Metrics, text string) {
	s.T.Helper()
	r := s.Fetch(url)
	if r.Status != http.StatusOK {
		s.T.Fatalf("metrics: status %d", r.Status)
	}
	all = Metrics{}
	for line := range strings.Lines(r.Body) {
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			all[line[:at]], _ = strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		}
	}
	return all, r.Body
}

// Metrics reads the metrics over a connection of its own.
func (s *Service) Metrics() Metrics {
	s.T.Helper()
	all, _ := s.MetricsAndText()
	return all
}

// MetricsAndText is Metrics, and also returns what Prometheus would read.
func (s *Service) MetricsAndText() (all Metrics, text string) {
	s.T.Helper()
	server := httptest.NewServer(s.App.Metrics())
	defer server.Close()
	return s.MetricsAt(server.URL)
}

// With returns the series whose names have the prefix.
func (m Metrics) With(prefix string) Metrics {
	found := maps.Clone(m)
	maps.DeleteFunc(found, func(name string, _ float64) bool { return !strings.HasPrefix(name, prefix) })
	return found
}
