// Package score owns the mutation score: it weakens each field rule and each row policy in turn, and names those that no case and
// no direct trial notices. It must not know any particular type.
package score

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/policies"
	"freehold.dev/freehold/internal/proof/stage"
)

// mutant is a weakened rule or policy. A check must then fail, or the rule could be weakened unnoticed.
type mutant struct {
	name    string
	weaken  func()
	restore func()
	checks  []check // until one fails
	// second refuses the same viewers with the same error, so the mutant may survive; "" if nothing does.
	second string
}

// check is a test that finds faults. It passes while nothing is weakened.
type check struct {
	name string
	run  func() (faults []findings.Finding)
}

// score weakens one thing after another and records which check fails.
type score struct {
	equivalent map[string]string // names of mutants that no request can notice, with the reason
	table      strings.Builder
	mutants    int
	known      map[string]bool // the mutants in equivalent that survived
	survivors  []string
}

func newScore(program stage.Program) *score {
	return &score{equivalent: program.Facts.Equivalent, known: map[string]bool{}}
}

func (s *score) try(t *testing.T, m mutant) {
	t.Helper()
	s.mutants++
	red := s.red(m)
	if red == nil {
		outcome := "SURVIVED"
		switch reason := s.equivalent[m.name]; {
		case reason != "":
			s.known[m.name], outcome = true, "survived: "+reason
		case m.second != "":
			s.known[m.name], outcome = true, "survived: "+m.second
		default:
			s.survivors = append(s.survivors, m.name)
		}
		fmt.Fprintf(&s.table, "%s\t%s\n", m.name, outcome)
		return
	}
	fmt.Fprintf(&s.table, "%s\t%s\n", m.name, red.name)
	if faults := red.run(); len(faults) > 0 {
		t.Errorf("%s was killed by a check that always fails: %s", m.name, faults[0])
	}
}

func (s *score) red(m mutant) *check {
	m.weaken()
	defer m.restore()
	for i := range m.checks {
		if len(m.checks[i].run()) > 0 {
			return &m.checks[i]
		}
	}
	return nil
}

func (s *score) report(t *testing.T) {
	t.Helper()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, s.table.String())
	w.Flush()
	t.Logf("the mutants, and the check that failed:\n%s", table.String())
	if s.mutants == 0 {
		t.Error("nothing was weakened")
	}
	for _, name := range s.survivors {
		t.Errorf("%s: no request notices this. If something else refuses the same viewers with the same error, "+
			"add this name and the reason to Seed.Equivalent", name)
	}
}

// Run fails the test unless some check notices each rule and each row policy that is weakened.
func Run(t *testing.T, program stage.Program) {
	t.Helper()
	rules, guards := newScore(program), newScore(program)
	t.Cleanup(func() {
		rules.report(t)
		guards.report(t)
		n := rules.mutants + guards.mutants
		t.Logf("%d mutants, %d killed", n, n-len(rules.survivors)-len(guards.survivors)-len(rules.known)-len(guards.known))
		for name := range program.Facts.Equivalent {
			if !rules.known[name] && !guards.known[name] {
				t.Errorf("%s: a request notices this, or the score has no mutant of this name: remove it from Seed.Equivalent", name)
			}
		}
	})
	t.Run("rules", func(t *testing.T) {
		t.Parallel()
		scoreRules(t, program, rules)
	})
	t.Run("policies", func(t *testing.T) {
		t.Parallel()
		scorePolicies(t, program, guards)
	})
}

// compared returns a check by one of the generated cases.
func compared(p *stage.Stage, r cases.Request) check {
	return check{p.Layers.String() + ": " + r.String(), func() []findings.Finding { return p.Compare(r).Faults }}
}

// scorePolicies weakens each row policy in the database of a service without rules, and looks for a generated case or a
// direct trial that fails.
func scorePolicies(t *testing.T, program stage.Program, s *score) {
	t.Helper()
	p := stage.New(t, program).Behind(t, harness.PoliciesAlone)
	stored := policies.All(t, p.Maker.DB)
	trials := policies.New(t, p, program.Registry())
	for _, policy := range stored {
		checks := shortCases(p, policy)
		checks = append(checks, check{"a direct trial of " + policy.Name, func() []findings.Finding { return trials.Check(t.Context(), policy) }})
		for _, w := range policy.Weakenings(trials.Table(policy.Table)) {
			s.try(t, mutant{
				name:    policy.Name + " " + w.Name,
				weaken:  func() { trials.Alter(t, w.Weaken) },
				restore: func() { trials.Alter(t, w.Restore) },
				checks:  checks,
			})
		}
	}
}

// shortCases returns the generated queries that reach what a policy guards in at most one step. Only SELECT policies have
// some.
func shortCases(p *stage.Stage, policy policies.Stored) (checks []check) {
	for _, r := range p.Requests() {
		holds := func(c cases.Call) bool { return slices.Contains(p.Matrix[c.Name()].Policies, policy.Name) }
		if policy.Command == "SELECT" && !r.Path.IsMutation() && len(r.Path.Steps) < 2 && slices.ContainsFunc(r.Path.Leaves, holds) {
			checks = append(checks, compared(p, r))
		}
	}
	return checks
}
