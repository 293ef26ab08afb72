package telemetry

import (
	"fmt"
	"testing"
)

// Names that are seen often become labels, up to a bound. Unused labels make room.
func TestLabelsMakeRoom(t *testing.T) {
	t.Parallel()
	var dropped []string
	n := operationNames{dropped: func(name string) { dropped = append(dropped, name) }, isTrusted: func(name string) bool { return name == "Trusted" }}
	see := func(name string, times int) (label string) {
		for range times {
			label = n.label(name)
		}
		return label
	}
	for i := range maxNames {
		if name := fmt.Sprintf("Old%d", i); see(name, oftenSeen) != name {
			t.Fatalf("%s is no label", name)
		}
	}
	if got := see("New", 2*oftenSeen); got != otherName {
		t.Errorf("a label beyond the bound, seen only twice as often as others: %s", got)
	}
	for i := range 100 * maxCandidates {
		n.label(fmt.Sprintf("Flood%d", i))
	}
	if n.labels != maxNames || len(n.seen) > maxCandidates || len(dropped) > 0 {
		t.Errorf("after a flood: %d labels of %d names, %v dropped", n.labels, len(n.seen), dropped)
	}
	if got := see("Trusted", 1); got != "Trusted" {
		t.Errorf("a trusted name is %s", got)
	}
	if got := see("New", 3*oftenSeen); got != "New" || len(dropped) != 1 || n.labels != maxNames {
		t.Errorf("the name that is seen three times as often is %s; %d dropped, %d labels", got, len(dropped), n.labels)
	}
	if got := see("New", 6*halfLife); got != "New" || len(dropped) != maxNames || n.labels != 1 {
		t.Errorf("the only name in use is %s; %d dropped, %d labels", got, len(dropped), n.labels)
	}
}
