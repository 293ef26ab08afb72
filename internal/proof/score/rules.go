package score

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/policies"
	"freehold.dev/freehold/internal/proof/stage"
	"freehold.dev/freehold/owned"
)

// weaker are the rules that admit more viewers than a rule does, except for the weakest rules.
var weaker = map[string][]string{
	"owner": {"visible", "signedIn", "public"}, "visible": {"signedIn", "public"}, "signedIn": {"public"}, "scopes": {"signedIn", "public"},
}

// changed are the rules that replace those of a field.
type changed struct {
	name  string
	rules string // as in the schema
	// others is whether members with relations and operators notice first.
	others bool
	second string // see mutant
}

// scoreRules changes each rule in a running service, and then each function that answers which relation a viewer has. It looks for
// a generated case that fails.
func scoreRules(t *testing.T, program stage.Program, s *score) {
	t.Helper()
	var weakened atomic.Pointer[[2]string] // the field, and the rules that replace its own
	party := stage.New(t, program)
	party.Rule = func(field string) string {
		if w := weakened.Load(); w != nil && w[0] == field {
			return w[1]
		}
		return ""
	}
	stages := []*stage.Stage{party.Behind(t, harness.RulesAlone), party.Behind(t, harness.BothLayers)}
	for _, p := range stages { // the database may refuse what a weakened rule admits
		p.Asked.Allowed = append(p.Asked.Allowed, `"msg":"an internal error"`)
	}
	fields := program.Access().Fields
	queried := map[string]bool{} // the fields that some query reaches
	for _, r := range stages[0].Requests() {
		for _, c := range r.Path.Leaves {
			queried[c.Name()] = queried[c.Name()] || !r.Path.IsMutation()
		}
	}
	slices.SortStableFunc(fields, func(a, b access.Field) int { // the others last: see casesOf
		return map[bool]int{false: 1}[queried[a.String()]] - map[bool]int{false: 1}[queried[b.String()]]
	})
	for _, f := range fields {
		for _, c := range changes(program, f) {
			s.try(t, mutant{
				name:    f.String() + " " + c.name,
				weaken:  func() { weakened.Store(&[2]string{f.Type + "." + f.Name, c.rules}) },
				restore: func() { weakened.Store(nil) },
				checks:  casesOf(stages, f, queried[f.String()], c.others),
				second:  c.second,
			})
		}
	}
	scoreFunctions(t, program, stages[0], s)
}

// changes returns the mistakes that the rules of a field can have: a rule that admits more viewers, or a relation or a scope more or
// less. The changes of a rule with a condition belong to the row of that condition.
func changes(program stage.Program, f access.Field) (list []changed) {
	d := program.Schema().Types[f.Type]
	if d == nil || d.Fields.ForName(f.Name) == nil {
		return nil // introspection
	}
	rules := directives.RulesOf(d.Fields.ForName(f.Name))
	if main, ok := directives.RuleOf(d.Fields.ForName(f.Name)); ok && f.When == "" {
		for _, name := range weaker[main.Name] {
			if name != "visible" || f.Type != "Mutation" { // no row decides
				list = append(list, changed{fmt.Sprintf("@%s -> @%s", main.Name, name), "@" + name, false, secondCheck(program, f, main, name)})
			}
		}
	}
	for i, r := range rules {
		if r.When != f.When {
			continue
		}
		relations := []string(nil)
		if t := program.Registry().Lookup(cmp.Or(r.Of, f.Type)); t != nil {
			relations = t.Relations()
		}
		for _, c := range variants(r, relations) {
			others := slices.Clone(rules)
			others[i] = c.rule
			list = append(list, changed{c.name, text(others...), true, ""})
		}
		if r.When != "" {
			list = append(list, changed{"without " + r.String(), text(slices.Delete(slices.Clone(rules), i, i+1)...), true, ""})
		}
	}
	return list
}

// secondCheck returns why no request can notice that a rule is weakened. If a mutation's @owner is weakened to @signedIn and only owners
// see the rows, the row is not found, whether the rule looks for it or the statement, which names the owner. And @visible refuses no one
// if everyone sees the rows.
func secondCheck(program stage.Program, f access.Field, rule directives.Rule, weakened string) string {
	if t := program.Registry().Lookup(f.Type); t != nil && t.Remote && weakened == "public" {
		return "everyone sees a " + t.Name + ", whose rows another subgraph has"
	}
	if f.Type != "Mutation" || weakened != "signedIn" {
		return ""
	}
	if t := program.Registry().Lookup(rule.Of); t != nil && t.Table.Admits != db.AdmitsVisible {
		return "only owners see rows of " + t.Name + ", so others get NOT_FOUND from the statement too"
	}
	return ""
}

// variant is a rule with another relation or with other scopes.
type variant struct {
	name string
	rule directives.Rule
}

// variants returns a rule with the next weaker and the next stronger relation, and without each of its scopes. relations are those
// of the type, strongest first.
func variants(r directives.Rule, relations []string) (list []variant) {
	as := func(relation string) {
		v := variant{fmt.Sprintf("%s as %s", r, relation), r}
		v.rule.As = relation
		list = append(list, v)
	}
	if at := slices.Index(relations, r.As); r.Name == "owner" {
		if at+1 < len(relations) {
			as(relations[at+1])
		}
		if at >= 0 {
			as(slices.Concat([]string{db.OwnerRelation}, relations)[at])
		}
	}
	sets := r.Scopes()
	for i, set := range sets {
		less := [][][]string{slices.Delete(slices.Clone(sets), i, i+1)}
		for j := range set {
			if len(set) > 1 {
				fewer := slices.Clone(sets)
				fewer[i] = slices.Delete(slices.Clone(set), j, j+1)
				less = append(less, fewer)
			}
		}
		for _, scopes := range less {
			v := variant{fmt.Sprintf("%s with the scopes %v", r, scopes), r}
			if r.Name == "scopes" {
				v.rule.AnyOf = scopes
			} else {
				v.rule.OrScopes = scopes
			}
			list = append(list, v)
		}
	}
	return list
}

// text writes rules as in the schema.
func text(rules ...directives.Rule) string {
	var all []string
	for _, r := range rules {
		var parameters []string
		for _, p := range [][2]string{{"of", r.Of}, {"id", r.ID}, {"as", r.As}, {"when", r.When}} {
			if p[1] != "" {
				parameters = append(parameters, fmt.Sprintf("%s: %q", p[0], p[1]))
			}
		}
		switch r.Name {
		case "scopes":
			parameters = append(parameters, "anyOf: "+lists(r.AnyOf))
		case "owner":
			parameters = append(parameters, "orScopes: "+lists(r.OrScopes), "otherwise: "+string(r.Otherwise))
		}
		written := "@" + r.Name
		if len(parameters) > 0 {
			written += "(" + strings.Join(parameters, ", ") + ")"
		}
		all = append(all, written)
	}
	return strings.Join(all, " ")
}

func lists(scopes [][]string) string {
	var written []string
	for _, set := range scopes {
		written = append(written, `["`+strings.Join(set, `", "`)+`"]`)
	}
	return "[" + strings.Join(written, ", ") + "]"
}

// casesOf returns the generated cases of a field: queries if some reach the field, because the accounts that mutations create fill the
// lists. If others notice first, the cases of members with relations and of operators come first.
func casesOf(stages []*stage.Stage, f access.Field, byQuery, othersFirst bool) (checks []check) {
	var late []check
	for _, p := range stages {
		for _, r := range p.Requests() {
			asks := slices.ContainsFunc(r.Path.Leaves, func(c cases.Call) bool { return c.Name() == f.String() })
			switch {
			case !asks || r.Path.IsMutation() == byQuery:
			case othersFirst && slices.Contains(cases.Askers, r.Asker):
				late = append(late, compared(p, r))
			default:
				checks = append(checks, compared(p, r))
			}
		}
	}
	return append(checks, late...)
}

// scoreFunctions changes each function that answers which relation a viewer has. The stage compares the relations of everyone when it
// begins, so that a wrong function is found before any request.
func scoreFunctions(t *testing.T, program stage.Program, on *stage.Stage, s *score) {
	t.Helper()
	types := map[string]*owned.Type{} // by function
	for _, typ := range program.Registry().Types() {
		if name, _, shared := strings.Cut(typ.Table.Relation, "("); shared {
			types[name] = typ
		}
	}
	d := on.Maker.DB
	for name, typ := range types {
		definition := d.Query(t, `SELECT pg_get_functiondef($1::regproc)`, name)[0]
		for _, c := range policies.FunctionChanges(name, definition, typ.Relations()) {
			s.try(t, mutant{
				name:    c.Name,
				weaken:  func() { d.Query(t, c.Weaken) },
				restore: func() { d.Query(t, c.Restore) },
				checks:  []check{{"the relations of everyone", on.RelationFaults}},
			})
		}
	}
}
