// Package score owns the mutation score: it weakens each field rule and each row policy in turn, and names those that no case and
// no direct trial notices. It must not know any particular type.
package score

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
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

// weaker are the rules that admit more viewers than a rule does, except for the weakest rules.
var weaker = map[string][]string{
	"@owner": {"visible", "signedIn", "public"}, "@visible": {"signedIn", "public"}, "@signedIn": {"public"},
}

// scoreRules weakens each rule in a running service, and looks for a generated case that fails.
func scoreRules(t *testing.T, program stage.Program, s *score) {
	t.Helper()
	var weakened atomic.Pointer[[2]string] // the field, and the rule that replaces its own
	party := stage.New(t, program)
	party.Rule = func(field string) string {
		if w := weakened.Load(); w != nil && w[0] == field {
			return "@" + w[1]
		}
		return ""
	}
	stages := []*stage.Stage{party.Behind(t, harness.RulesAlone), party.Behind(t, harness.BothLayers)}
	for _, p := range stages { // the database may refuse what a weakened rule admits
		p.Asked.Allowed = append(p.Asked.Allowed, `"msg":"an internal error"`)
	}
	for _, f := range ruled(program) {
		name, _, _ := strings.Cut(f.Rule, "(")
		for _, rule := range weaker[name] {
			if rule == "visible" && f.Type == "Mutation" {
				continue // no row decides
			}
			s.try(t, mutant{
				name:    fmt.Sprintf("%s %s -> @%s", f, name, rule),
				weaken:  func() { weakened.Store(&[2]string{f.String(), rule}) },
				restore: func() { weakened.Store(nil) },
				checks:  casesOf(stages, f),
				second:  secondCheck(program, f, rule),
			})
		}
	}
}

// secondCheck returns why no request can notice that a rule is weakened. If a mutation's @owner is weakened to @signedIn and only owners
// see the rows, the row is not found, whether the rule looks for it or the statement, which names the owner. And @visible refuses no one
// if everyone sees the rows.
func secondCheck(program stage.Program, f access.Field, weakened string) string {
	if t := program.Registry().Lookup(f.Type); t != nil && t.Remote && weakened == "public" {
		return "everyone sees a " + t.Name + ", whose rows another subgraph has"
	}
	if f.Type != "Mutation" || weakened != "signedIn" {
		return ""
	}
	rule, _ := directives.RuleOf(program.Schema().Mutation.Fields.ForName(f.Name))
	if t := program.Registry().Lookup(rule.Of); t != nil && t.Table.Admits != db.AdmitsVisible {
		return "only owners see rows of " + t.Name + ", so others get NOT_FOUND from the statement too"
	}
	return ""
}

// ruled returns the fields whose rule can be weakened, mutations last: see casesOf.
func ruled(program stage.Program) (fields []access.Field) {
	var ofMutations []access.Field
	for _, f := range program.Access().Fields {
		name, _, _ := strings.Cut(f.Rule, "(")
		switch {
		case len(weaker[name]) == 0:
		case f.Type == "Mutation":
			ofMutations = append(ofMutations, f)
		default:
			fields = append(fields, f)
		}
	}
	return append(fields, ofMutations...)
}

// casesOf returns the generated cases of a field. Cases of mutations test only the rules of the mutations, because the
// accounts that they create fill the lists.
func casesOf(stages []*stage.Stage, f access.Field) (checks []check) {
	for _, p := range stages {
		for _, r := range p.Requests() {
			asks := slices.ContainsFunc(r.Path.Leaves, func(c cases.Call) bool { return c.Name() == f.String() })
			if asks && r.Path.IsMutation() == (f.Type == "Mutation") {
				checks = append(checks, compared(p, r))
			}
		}
	}
	return checks
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
		for _, w := range policy.Weakenings() {
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
