package edge

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

var pprofURL = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/debug/pprof/`)

// pprof has an address of its own and is served only there, if it is configured. The server does not start if the address is
// taken.
func TestPprofHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	s, drain := harness.Listen(t, app.Options{}, "FREEHOLD_PPROF_ADDR=127.0.0.1:0", "FREEHOLD_REQUEST_TIMEOUT=1s")
	if status, _ := s.Get("/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("pprof at the public address: %d", status)
	}
	url := pprofURL.FindString(s.Logs.String())
	for path, want := range map[string]int{
		"": http.StatusOK, "heap": http.StatusOK, "goroutine?debug=1": http.StatusOK, "symbol": http.StatusOK,
		"trace?seconds=1": http.StatusOK, "profile?seconds=7": http.StatusOK, // longer than the reply to a request may take
		"cmdline": http.StatusNotFound, "nothing": http.StatusNotFound,
	} {
		if r := s.Fetch(url + path); r.Status != want || r.Body == "" {
			t.Errorf("%s: status %d and %d bytes, want %d", path, r.Status, len(r.Body), want)
		}
	}
	taken := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/debug/pprof/")
	second := harness.Setup{Database: s.DB, Settings: []string{"FREEHOLD_PPROF_ADDR=" + taken}}.Prepare(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := second.App.Serve(t.Context(), l); err == nil || !strings.HasPrefix(err.Error(), "listen (FREEHOLD_PPROF_ADDR): ") {
		t.Errorf("a second server at the same address: %v", err)
	}
	if err := drain(); err != nil {
		t.Error(err)
	}
	if _, err := s.TrySend(t.Context(), harness.Request{Method: http.MethodGet, Path: url}); err == nil {
		t.Error("pprof is still served after the end")
	}
	silent, _ := harness.Listen(t, app.Options{}, "FREEHOLD_METRICS_ADDR=127.0.0.1:0")
	silent.Get("/healthz")
	if logs := silent.Logs.String(); !strings.Contains(logs, "serving metrics") || pprofURL.MatchString(logs) {
		t.Errorf("pprof is served although it is not configured: %s", logs)
	}
}
