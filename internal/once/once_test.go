package once

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// A hundred concurrent calls with one key load once, and all get the value or the error of that load.
func TestValuesAreLoadedOnce(t *testing.T) {
	t.Parallel()
	failure := errors.New("a failure")
	for name, c := range map[string]struct {
		value int
		err   error
	}{"value": {42, nil}, "error": {0, failure}} {
		var m Map
		var loads atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				value, err := Do(&m, "key", func() (int, error) {
					loads.Add(1)
					return c.value, c.err
				})
				if value != c.value || !errors.Is(err, c.err) {
					t.Errorf("%s: %d, %v", name, value, err)
				}
			})
		}
		wg.Wait()
		if loads.Load() != 1 {
			t.Errorf("%s: %d loads", name, loads.Load())
		}
	}
}

// Keys of different types are different, and a stored value is not loaded.
func TestKeysAreSeparate(t *testing.T) {
	t.Parallel()
	type first struct{ id int }
	type second struct{ id int }
	var m Map
	Store(&m, first{1}, "stored")
	for _, c := range []struct {
		key  any
		want string
	}{{first{1}, "stored"}, {second{1}, "loaded"}, {first{2}, "loaded"}} {
		if got, err := Do(&m, c.key, func() (string, error) { return "loaded", nil }); err != nil || got != c.want {
			t.Errorf("%T %v: %q, %v; want %q", c.key, c.key, got, err, c.want)
		}
	}
}
