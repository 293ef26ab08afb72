package harness

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// SameTime fails if one of two acts is slower than the other more often than chance allows (|z| > 4.5), and by more than
// a twentieth: one statement more takes longer than that. They are timed in pairs, next to each other and in alternating
// order, so that a busy machine slows both.
func SameTime(t *testing.T, pairs int, first string, a func(), second string, b func()) {
	t.Helper()
	SameTimeRested(t, pairs, func() {}, first, a, second, b)
}

// SameTimeRested is sameTime for acts after which work goes on that would slow the next: it rests before each.
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

// SameTimes is sameTime for acts that say how long something took.
func SameTimes(t *testing.T, pairs int, first string, a func() time.Duration, second string, b func() time.Duration) {
	t.Helper()
	a() // whatever is made at first use
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
