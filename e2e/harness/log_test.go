package harness_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// recorder is a test within a test. It records its failures. Its cleanup runs when the outer test calls expect.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (*recorder) Helper()            {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, a ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, a...))
}
func (r *recorder) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		f()
	}
	if len(r.failures) != len(want) {
		t.Fatalf("%s: it fails with %q, want %q", what, r.failures, want)
	}
	for i, text := range want {
		if !strings.Contains(r.failures[i], text) {
			t.Errorf("%s: it fails with %q, want %q", what, r.failures[i], text)
		}
	}
}

// A test fails if its server has recovered from a panic, however the server was started, unless the test expects the panic.
func TestPanicsFailTheTest(t *testing.T) {
	t.Parallel()
	hook := func(context.Context, *db.Tx, *db.Profile) error { panic("canary of a resolver") }
	panicking := app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}}
	signUp := func(s *harness.Service) {
		s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "a@example.org", "password": harness.Password, "username": "abc"}})
	}
	for name, c := range map[string]struct {
		run  func(t testing.TB)
		want []string
	}{
		"a quiet server":     {func(t testing.TB) { harness.Start(t).Fetch("/healthz") }, nil},
		"Start":              {func(t testing.TB) { signUp(harness.Setup{Options: panicking}.Start(t)) }, []string{"canary of a resolver"}},
		"StartWith":          {func(t testing.TB) { signUp(harness.StartWith(t, dbtest.New(t), harness.BothLayers, panicking)) }, []string{"canary of a resolver"}},
		"Listen":             {func(t testing.TB) { s, _ := harness.Listen(t, panicking); signUp(s) }, []string{"canary of a resolver"}},
		"before the service": {func(t testing.TB) { harness.Setup{Wrap: wrapped}.Start(t).TrySend(t.Context(), harness.Request{}) }, []string{"canary of a handler"}},
		"an expected panic": {func(t testing.TB) {
			s := harness.Setup{Options: panicking}.Start(t)
			s.ExpectError("canary")
			signUp(s)
		}, nil},
		"no panic at all": {func(t testing.TB) { harness.Start(t).ExpectError("canary") }, []string{"lacks the error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			c.run(r)
			r.expect(t, name, c.want...)
		})
	}
}

func wrapped(http.Handler) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("canary of a handler") })
}

// The log of a server in another process also has what ended the process.
func TestLogsOfOtherProcessesAreChecked(t *testing.T) {
	t.Parallel()
	for line, fails := range map[string]bool{
		`{"level":"INFO","msg":"a request"}`:          false,
		`{"level":"ERROR","msg":"an internal error"}`: true,
		`08:00:00 INF a request`:                      false,
		`08:00:00 ERR an internal error`:              true,
		`panic: runtime error: index out of range`:    true,
		`WARNING: DATA RACE`:                          true,
	} {
		r := &recorder{TB: t}
		s := &harness.Service{T: r, Logs: &harness.LogBuffer{}}
		io.WriteString(s.Logs, line+"\n")
		s.CheckLog()
		if (len(r.failures) > 0) != fails {
			t.Errorf("%s: it fails with %q", line, r.failures)
		}
	}
}
