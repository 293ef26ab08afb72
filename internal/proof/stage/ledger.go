package stage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
)

// atOnce is the number of requests that a run sends at the same time.
const atOnce = 4

// Ledger counts the cases of a run and collects the faults.
type Ledger struct {
	Faults []findings.Finding

	layers   harness.Layers
	requests int
	cases    map[string]int  // by field
	twins    map[string]bool // by path and field: whether any viewer got a value
	oneLayer map[string]int  // by field: the cases that only a field rule refuses, without a row policy behind it
}

// newLedger returns an empty ledger of a run with these layers.
func newLedger(layers harness.Layers) *Ledger {
	return &Ledger{layers: layers, cases: map[string]int{}, twins: map[string]bool{}, oneLayer: map[string]int{}}
}

func (l *Ledger) add(v *Verdict) {
	l.requests++
	for _, c := range v.Request.Path.Leaves {
		l.cases[c.Name()]++
		gave, key := slices.Contains(v.twins, c.Name()), v.Request.Path.String()+": "+c.Name()
		switch {
		case v.Request.IsNullAfter(c) && gave:
			v.fault(c.Name()+" has a value, but Seed.NullAfter says that it is null after "+v.Request.Path.RootField().Field(), "")
		case !v.Request.IsNullAfter(c) && !v.Request.Optional && !v.Request.ByHand:
			l.twins[key] = l.twins[key] || gave
		}
	}
	for _, field := range v.oneLayer {
		l.oneLayer[field]++
	}
	l.Faults = append(l.Faults, v.Faults...)
}

// Incomplete returns a finding for each field that was not tested: those without a case, and those without a positive twin.
// Without a twin, null because no row exists would look like a refusal. It also returns the fields that a rule alone refuses,
// and facts that are not needed.
func (l *Ledger) Incomplete(s cases.Specification) (faults []findings.Finding) {
	exempt, lacking := s.Known.Exempt, map[string]bool{}
	fault := func(field, where, format string, args ...any) {
		typ, _, _ := strings.Cut(field, ".")
		faults = append(faults, findings.Finding{What: field + fmt.Sprintf(format, args...), Where: where, Type: typ})
	}
	for field, row := range s.Matrix {
		byHand := len(row.DecidedBy) > 0 && !slices.ContainsFunc(row.DecidedBy, func(root string) bool { return s.Known.ByHand[root] == "" })
		if l.cases[field] == 0 && !byHand {
			lacking[field] = true
			if exempt[field] == "" {
				fault(field, "", " has no case: no path leads to it")
			}
		}
	}
	anywhere := map[string]bool{} // the fields with a twin
	for key, twin := range l.twins {
		_, field, _ := strings.Cut(key, ": ")
		anywhere[field] = anywhere[field] || twin
	}
	for _, key := range slices.Sorted(maps.Keys(l.twins)) {
		path, field, _ := strings.Cut(key, ": ")
		twin := l.twins[key]
		if s.Matrix[field].Answers[access.Owner] != access.Value { // on a path to rows of the viewer there may be no operator
			twin = anywhere[field]
		}
		if lacking[field] = lacking[field] || !twin; !twin && exempt[field] == "" {
			fault(field, path, " has no positive twin: no viewer gets a value on this path. Add a value to Seed.Values, or the reason to Seed.NullAfter or Seed.Exempt")
		}
	}
	for field := range exempt {
		if !lacking[field] {
			fault(field, "", " is exempt, but has cases and positive twins on every path, or does not exist: remove it from Seed.Exempt")
		}
	}
	for _, field := range slices.Sorted(maps.Keys(l.oneLayer)) {
		if s.Known.RuleAlone[field] == "" {
			fault(field, "", " is refused in %d cases by the field rule alone, with no row policy behind it: keep its value in a table that only "+
				"the owner can read (Fields of its owned.Type), or add the reason to Seed.RuleAlone", l.oneLayer[field])
		}
	}
	for field := range s.Known.RuleAlone {
		if l.layers == harness.PoliciesAlone && l.oneLayer[field] == 0 {
			fault(field, "", " has a row policy behind its rule, or does not exist: remove it from Seed.RuleAlone")
		}
	}
	return append(faults, s.Stale()...)
}

// Summary returns the numbers of the run.
func (l *Ledger) Summary() string {
	all, oneLayer := 0, 0
	for _, n := range l.cases {
		all += n
	}
	for _, n := range l.oneLayer {
		oneLayer += n
	}
	return fmt.Sprintf("%d cases of %d fields in %d requests, %d refused by one layer only", all, len(l.cases), l.requests, oneLayer)
}

// Run sends requests, several at once, and collects the verdicts in the order of the requests.
func (p *Stage) Run(requests []cases.Request) *Ledger { return p.run(requests, each) }

// run calls each once for the queries and once for the mutations, to send what goes together.
func (p *Stage) run(requests []cases.Request, each func(n int, do func(i int))) *Ledger {
	l := newLedger(p.Layers)
	verdicts := make([]*Verdict, len(requests))
	groups := grouped(requests)
	queries := slices.IndexFunc(groups, func(g []int) bool { return requests[g[0]].Path.IsMutation() })
	if queries < 0 {
		queries = len(groups)
	}
	compare := func(group []int) {
		together := make([]cases.Request, len(group))
		for n, i := range group {
			together[n] = requests[i]
		}
		for n, v := range p.CompareAll(together) {
			verdicts[group[n]] = v
		}
	}
	each(queries, func(i int) { compare(groups[i]) })
	each(len(groups)-queries, func(i int) { compare(groups[queries+i]) })
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
