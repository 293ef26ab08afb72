package access

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// mutant is a weakened rule or policy. One of our tests must then fail, or the rule could be weakened unnoticed.
type mutant struct {
	name    string
	weaken  func()
	restore func()
	checks  []check // until one fails
}

// check is a test that finds faults. It passes while nothing is weakened.
type check struct {
	name string
	run  func() (faults []finding)
}

// score weakens one thing after another and records which check fails.
type score struct {
	table     strings.Builder
	mutants   int
	survivors []string
}

func (s *score) try(t *testing.T, m mutant) {
	t.Helper()
	s.mutants++
	red := s.red(m)
	if red == nil {
		s.survivors = append(s.survivors, m.name)
		fmt.Fprintf(&s.table, "%s\tSURVIVED\n", m.name)
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
		t.Errorf("%s: no test notices", name)
	}
}

// Every rule and every row policy is tested: if any one of them is weakened, some test fails. `make rules-score` runs only
// this test.
func TestRulesScore(t *testing.T) {
	t.Parallel()
	rules, policies := &score{}, &score{}
	t.Cleanup(func() {
		rules.report(t)
		policies.report(t)
		n := rules.mutants + policies.mutants
		t.Logf("%d mutants, %d killed", n, n-len(rules.survivors)-len(policies.survivors))
	})
	t.Run("rules", func(t *testing.T) {
		t.Parallel()
		scoreRules(t, rules)
	})
	t.Run("policies", func(t *testing.T) {
		t.Parallel()
		scorePolicies(t, policies)
	})
}

// compared returns a check by one of the generated cases.
func (p *stage) compared(r request) check {
	return check{p.layers.String() + ": " + r.String(), func() []finding { return p.compare(r).faults }}
}

// weaker are the rules that admit more viewers than a rule does, except for the weakest rules.
var weaker = map[string][]string{
	"@owner": {"visible", "signedIn", "public"}, "@visible": {"signedIn", "public"}, "@signedIn": {"public"},
}

// scoreRules weakens each rule in a running service, and looks for a generated case that fails.
func scoreRules(t *testing.T, s *score) {
	t.Helper()
	spec := ownSpecification(t)
	var weakened atomic.Pointer[[2]string] // the field, and the rule that replaces its own
	party := newStage(t, spec)
	party.rule = func(field string) string {
		if w := weakened.Load(); w != nil && w[0] == field {
			return w[1]
		}
		return ""
	}
	stages := []*stage{party.behind(t, harness.RulesAlone, app.Options{}), party.behind(t, harness.BothLayers, app.Options{})}
	for _, p := range stages { // the database may refuse what a weakened rule admits
		p.asked.Allowed = append(p.asked.Allowed, `"msg":"an internal error"`)
	}
	for _, f := range ruled() {
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
			})
		}
	}
}

// ruled returns the fields whose rule can be weakened, mutations last: see casesOf.
func ruled() (fields []access.Field) {
	var ofMutations []access.Field
	for _, f := range harness.Program.Access().Fields {
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
func casesOf(stages []*stage, f access.Field) (checks []check) {
	for _, p := range stages {
		for _, r := range p.requests() {
			asks := slices.ContainsFunc(r.path.leaves, func(c call) bool { return c.name() == f.String() })
			if asks && r.path.isMutation() == (f.Type == "Mutation") {
				checks = append(checks, p.compared(r))
			}
		}
	}
	return checks
}

// scorePolicies weakens each row policy in the database of a service without rules, and looks for a generated case or a
// direct trial that fails.
func scorePolicies(t *testing.T, s *score) {
	t.Helper()
	p := newStage(t, ownSpecification(t)).behind(t, harness.PoliciesAlone, app.Options{})
	stored := storedPolicies(t, p.maker.DB)
	trials := newProber(t, p, harness.Program.Registry())
	for _, policy := range stored {
		checks := shortCases(p, policy)
		checks = append(checks, check{"a direct trial of " + policy.name, func() []finding { return trials.check(t.Context(), policy) }})
		for _, w := range policy.weakenings() {
			s.try(t, mutant{
				name:    policy.name + " " + w.name,
				weaken:  func() { trials.alter(t, w.weaken) },
				restore: func() { trials.alter(t, w.restore) },
				checks:  checks,
			})
		}
	}
}

// shortCases returns the generated queries that reach what a policy guards in at most one step. Only SELECT policies have
// some.
func shortCases(p *stage, policy storedPolicy) (checks []check) {
	for _, r := range p.requests() {
		holds := func(c call) bool { return slices.Contains(p.matrix[c.name()].Policies, policy.name) }
		if policy.command == "SELECT" && !r.path.isMutation() && len(r.path.steps) < 2 && slices.ContainsFunc(r.path.leaves, holds) {
			checks = append(checks, p.compared(r))
		}
	}
	return checks
}

// weakening is a change of a policy, and the statement that undoes it.
type weakening struct{ name, weaken, restore string }

// weakenings are the mistakes that a policy can have: it is dropped, or one or both of its expressions admit everyone, or
// every member. (An UPDATE policy without WITH CHECK uses USING, so omitting WITH CHECK changes nothing.)
func (p storedPolicy) weakenings() (list []weakening) {
	on := p.name + " ON app." + p.table
	list = append(list, weakening{"dropped", "DROP POLICY " + on, "CREATE POLICY " + on + " FOR " + p.command + " TO freehold_app" + expressions(p.using.String, p.check.String)})
	for _, wide := range []string{"true", "app.viewer_id() IS NOT NULL"} {
		add := func(name, using, check string) {
			list = append(list, weakening{name + " (" + wide + ")", "ALTER POLICY " + on + expressions(using, check), "ALTER POLICY " + on + expressions(p.using.String, p.check.String)})
		}
		if p.using.Valid {
			add("USING", wide, p.check.String)
		}
		if p.check.Valid {
			add("WITH CHECK", p.using.String, wide)
		}
		if p.using.Valid && p.check.Valid {
			add("USING and WITH CHECK", wide, wide)
		}
	}
	return list
}

func expressions(using, check string) (text string) {
	if using != "" {
		text += " USING (" + using + ")"
	}
	if check != "" {
		text += " WITH CHECK (" + check + ")"
	}
	return text
}
