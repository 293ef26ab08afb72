package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// atOnce is the number of requests that a run sends at the same time.
const atOnce = 4

// oneLayerCases is the number of cases that only a field rule refuses, without a row policy behind it. It may only fall.
const oneLayerCases = 0

// ledger counts the cases of a run and collects the faults.
type ledger struct {
	requests int
	cases    map[string]int  // by field
	twins    map[string]bool // by path and field: whether any viewer got a value
	oneLayer map[string]int  // by field
	faults   []finding
}

func newLedger() *ledger {
	return &ledger{cases: map[string]int{}, twins: map[string]bool{}, oneLayer: map[string]int{}}
}

func (l *ledger) add(v *verdict) {
	l.requests++
	for _, c := range v.request.path.leaves {
		l.cases[c.name()]++
		gave, key := slices.Contains(v.twins, c.name()), v.request.path.String()+": "+c.name()
		switch {
		case v.request.isNullAfter(c) && gave:
			v.fault(c.name()+" is in nullAfter, but has a value", "")
		case !v.request.isNullAfter(c) && !v.request.optional:
			l.twins[key] = l.twins[key] || gave
		}
	}
	for _, field := range v.oneLayer {
		l.oneLayer[field]++
	}
	l.faults = append(l.faults, v.faults...)
}

// incomplete names what was not tested: fields without a case, and cases without a positive twin. Without a twin, null
// because no row exists would look like a refusal. It also names exemptions that are no longer needed.
func (l *ledger) incomplete(s specification, exempt map[string]string) (faults []finding) {
	lacking := map[string]bool{}
	for field := range s.matrix {
		if l.cases[field] == 0 {
			lacking[field] = true
			if exempt[field] == "" {
				faults = append(faults, finding{what: field + " has no case: no path leads to it"})
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.twins)) {
		path, field, _ := strings.Cut(key, ": ")
		if lacking[field] = lacking[field] || !l.twins[key]; !l.twins[key] && exempt[field] == "" {
			faults = append(faults, finding{what: field + " has no positive twin: no viewer gets a value on this path", where: path})
		}
	}
	for field := range exempt {
		if !lacking[field] {
			faults = append(faults, finding{what: field + " is exempt, but has cases and positive twins on every path, or does not exist: take it out of exempt in stage_test.go"})
		}
	}
	for name := range ownAnswers {
		typ, field, _ := strings.Cut(name, ".")
		if root := s.schema.Types[typ]; root.Fields.ForName(field) == nil || ownRow(s.schema, root, root.Fields.ForName(field)) != "" {
			faults = append(faults, finding{what: name + " is in ownAnswers, but follows from the schema, or does not exist: take it out of stage_test.go"})
		}
	}
	return faults
}

func (l *ledger) summary() string {
	cases, oneLayer := 0, 0
	for _, n := range l.cases {
		cases += n
	}
	for _, n := range l.oneLayer {
		oneLayer += n
	}
	return fmt.Sprintf("%d cases of %d fields in %d requests, %d refused by one layer only", cases, len(l.cases), l.requests, oneLayer)
}

// run sends requests, several at once, and collects the verdicts in the order of the requests.
func (p *stage) run(requests []request) *ledger {
	l := newLedger()
	verdicts := make([]*verdict, len(requests))
	queries := slices.IndexFunc(requests, func(r request) bool { return r.path.isMutation() })
	if queries < 0 {
		queries = len(requests)
	}
	each(queries, func(i int) { verdicts[i] = p.compare(requests[i]) })
	each(len(requests)-queries, func(i int) { verdicts[queries+i] = p.compare(requests[queries+i]) })
	for _, v := range verdicts {
		l.add(v)
	}
	return l
}

// each calls f for the numbers below n, several at once.
func each(n int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// Each field returns what the access matrix says: for each kind of viewer, for a target of each visibility, on each path that
// leads to the field's type. With both layers it returns exactly that; with one layer alone, what this layer decides. The
// cases are generated from the schema.
func TestEveryFieldOnEveryPath(t *testing.T) {
	t.Parallel()
	spec := ownSpecification(t)
	for _, w := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			l := newStage(t, spec).behind(t, w, app.Options{}).run(spec.requests())
			t.Logf("%s: %s", w, l.summary())
			expectNone(t, append(l.incomplete(spec, exempt), l.faults...))
			expectOneLayer(t, l)
		})
	}
}

func expectOneLayer(t *testing.T, l *ledger) {
	t.Helper()
	n := 0
	for _, count := range l.oneLayer {
		n += count
	}
	switch {
	case n > oneLayerCases:
		t.Errorf("%d cases are refused by the rule alone, with no row policy behind it; there may be %d: %v", n, oneLayerCases, l.oneLayer)
	case n < oneLayerCases:
		t.Errorf("only %d cases are refused by the rule alone: lower oneLayerCases, which is %d", n, oneLayerCases)
	}
}
