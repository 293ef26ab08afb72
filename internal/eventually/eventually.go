// Package eventually lets a test wait for what another goroutine, process or machine does. It must not know what that is.
package eventually

import (
	"testing"
	"time"
)

// interval is the time between two looks.
const interval = 5 * time.Millisecond

// True waits until condition returns true, and fails the test at once if it has not done so within the time. The message is
// "not after 10s: what", so what is a statement, such as "the mail is sent". Call it from the goroutine of the test.
func True(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !condition(); time.Sleep(interval) {
		if time.Now().After(deadline) {
			t.Fatalf("not after %v: %s", within, what)
		}
	}
}
