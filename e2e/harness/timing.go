package harness

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// SameTime fails the test if one of two functions is slower than the other more often than chance allows (|z| > 4.5), and by
// more than 5 %: one more statement takes longer than that. It times them in pairs, next to each other and in alternating
// order, so that a busy machine slows both.
func SameTime(t *testing.T, pairs int, first string, a func(), second string, b func()) {
	t.Helper()
	SameTimeRested(t, pairs, func() {}, first, a, second, b)
}

// SameTimeRested is SameTime for functions whose work continues afterwards and would slow the next: it calls rest before
// each.
func SameTimeRested(t *testing.T, pairs int, rest func(), first string, a func(), second string, b func()) {
	t.Helper()
	measured := func(act func()) func() time.Duration {
		return func() time.Duration {
			rest()
			begun := time.Now()
			act()
			return time.Since(begun)
		}
	}
	SameTimes(t, pairs, first, measured(a), second, measured(b))
}

// SameTimes is SameTime for functions that return how long something took.
func SameTimes(t *testing.T, pairs int, first string, a func() time.Duration, second string, b func() time.Duration) {
	t.Helper()
	a() // the first call may be slower
	b()
	var as, bs []time.Duration
	slower := 0
	for i := range pairs {
		var da, db time.Duration
		if i%2 == 0 {
			da, db = a(), b()
		} else {
			db, da = b(), a()
		}
		if da > db {
			slower++
		}
		as, bs = append(as, da), append(bs, db)
	}
	slices.Sort(as)
	slices.Sort(bs)
	told := fmt.Sprintf("%s was slower than %s in %d of %d pairs (medians %v and %v)", first, second, slower, pairs, as[pairs/2], bs[pairs/2])
	ratio := float64(as[pairs/2]) / float64(bs[pairs/2])
	if math.Abs(float64(2*slower-pairs)) > 4.5*math.Sqrt(float64(pairs)) && max(ratio, 1/ratio) > 1.05 {
		t.Error(told)
	} else {
		t.Log(told)
	}
}
