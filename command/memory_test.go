package command

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// The collector runs after the heap has grown by the reserve, unless the operator has configured it.
func TestReserveMovesTheGoalOfTheCollector(t *testing.T) {
	goal := func() uint64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := goal()
	for _, c := range []struct {
		gogc, limit string
		want        bool
	}{{"50", "", false}, {"", "1GiB", false}, {"", "", true}} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.limit)
		reserve := reserveMemory()
		got := goal()
		runtime.KeepAlive(reserve)
		if (got >= before+reserved) != c.want {
			t.Errorf("GOGC=%s GOMEMLIMIT=%s: the goal went from %d to %d", c.gogc, c.limit, before, got)
		}
	}
}
