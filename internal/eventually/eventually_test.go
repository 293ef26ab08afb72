package eventually_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"freehold.dev/freehold/internal/eventually"
)

// recorder is a test that remembers how it failed.
type recorder struct {
	testing.TB
	failure string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestTrue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		within, after time.Duration
		want          string
	}{
		"at once":            {0, 0, ""},
		"in time":            {time.Minute, 59 * time.Second, ""},
		"too late":           {time.Minute, time.Hour, "not after 1m0s: the time has come"},
		"without any time":   {0, time.Second, "not after 0s: the time has come"},
		"with negative time": {-time.Second, 0, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{TB: t}
			begun := time.Now()
			done := make(chan struct{})
			go func() {
				defer close(done)
				eventually.True(r, c.within, "the time has come", func() bool { return time.Since(begun) >= c.after })
			}()
			<-done
			if r.failure != c.want {
				t.Errorf("%s: %q, want %q", name, r.failure, c.want)
			}
		})
	}
}
