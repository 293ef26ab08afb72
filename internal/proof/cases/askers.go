package cases

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/directives"
)

// The viewers of a target whom every type distinguishes. Others are members with a relation to the target's rows, and operators: see
// Related and Operator.
const (
	ByNobody = "nobody"
	ByMember = "another member"
	ByOwner  = "the owner"
)

// Askers has the viewers of a target whom every type distinguishes, and Visibilities all visibilities of its rows.
var (
	Askers       = []string{ByNobody, ByMember, ByOwner}
	Visibilities = []string{"PRIVATE", "MEMBERS", "PUBLIC"}
)

const (
	relatedAs = "a member who is "
	operator  = "an operator with "
)

// Related returns the viewer who has a relation to the target's rows.
func Related(relation string) (asker string) { return relatedAs + relation }

// RelationOf returns the relation of a viewer whom Related returned.
func RelationOf(asker string) (relation string, ok bool) { return strings.CutPrefix(asker, relatedAs) }

// Operator returns the viewer who is a member with scopes.
func Operator(scopes ...string) (asker string) { return operator + strings.Join(scopes, " ") }

// ScopesOf returns the scopes of a viewer whom Operator returned; none for another one.
func ScopesOf(asker string) []string {
	scopes, ok := strings.CutPrefix(asker, operator)
	if !ok {
		return nil
	}
	return strings.Fields(scopes)
}

// Kind is how a viewer relates to the row of a field, and the scopes that they have.
type Kind struct {
	access.Viewer

	Scopes []string
}

// String names the kind for people.
func (k Kind) String() string {
	if len(k.Scopes) == 0 {
		return string(k.Viewer)
	}
	return string(k.Viewer) + " with " + strings.Join(k.Scopes, ", ")
}

// Answer returns what a field answers according to the matrix.
func (k Kind) Answer(f access.Field) access.Answer {
	if a, known := f.Answers[k.Viewer]; known && len(k.Scopes) == 0 {
		return a
	}
	a, _ := f.For(k.Viewer, k.Scopes...)
	return a
}

// RefusedByPolicy reports whether, according to the matrix, the database refuses a field.
func (k Kind) RefusedByPolicy(f access.Field) bool {
	if IsInherited(f) {
		return false
	}
	if a, known := f.Answers[k.Viewer]; known && len(k.Scopes) == 0 {
		return (a != access.Value) != slices.Contains(f.HeldOnce, k.Viewer)
	}
	_, byPolicy := f.For(k.Viewer, k.Scopes...)
	return byPolicy
}

// IsInherited reports whether a field answers every viewer who reaches it.
func IsInherited(f access.Field) bool { return strings.HasPrefix(f.Rule, "@inherited") }

// RowType returns the type of the row to which the viewers of a field have a relation: of a root field, the one that its rule names;
// "" if its rules are about no row.
func (s Specification) RowType(c Call) string {
	if c.Parent == s.Schema.Query || c.Parent == s.Schema.Mutation {
		rule, _ := directives.RuleOf(c.Def)
		return rule.Of
	}
	return c.Parent.Name
}

// relationsOf returns the relations of each type, strongest first, according to the matrix.
func (s Specification) relationsOf() map[string][]string {
	relations := map[string][]string{}
	for _, f := range s.Matrix {
		if len(f.Relations) > 0 && !IsInherited(f) && f.Type != s.Schema.Query.Name && f.Type != s.Schema.Mutation.Name {
			relations[f.Type] = f.Relations
		}
	}
	return relations
}

// shortPath is the number of steps of paths that members with relations take about rows of each visibility, and operators also without
// each of the scopes that they need. On longer paths and in mutations, they ask about private rows only: everything else that they
// see, other members see too.
const shortPath = 1

// askersOf returns the viewers who take a path, with the visibilities of the rows about which they do.
func (s Specification) askersOf(p Path) map[string][]string {
	askers := map[string][]string{ByNobody: Visibilities, ByMember: Visibilities, ByOwner: Visibilities}
	visibilities := Visibilities
	if len(p.Steps) > shortPath || p.IsMutation() && len(p.Steps) > 0 {
		visibilities = Visibilities[:1]
	}
	if s.Own[p.RootField().Field()] != "" {
		return askers
	}
	for _, c := range p.calls() {
		for _, relation := range s.Relations[s.RowType(c)] {
			askers[Related(relation)] = visibilities
		}
	}
	for _, scopes := range s.operators(p) {
		askers[Operator(scopes...)] = visibilities[:1]
		if s.RowType(p.Leaves[0]) != "" {
			askers[Operator(scopes...)] = visibilities // the policy of the row may name a scope
		}
	}
	return askers
}

// calls returns the steps of the path, and its leaves.
func (p Path) calls() (calls []Call) {
	for _, st := range p.Steps {
		calls = append(calls, st.Call)
	}
	return append(calls, p.Leaves...)
}

// operators returns the scopes of the operators who take a path: those that a field at its end names, one alternative after the
// other, together with those that lead there. A short path is also taken without one of these scopes, and with all others.
func (s Specification) operators(p Path) (sets [][]string) {
	var way []string
	for _, st := range p.Steps {
		if f := s.Matrix[st.Name()]; f.Answers[access.Operator] == access.Value && f.Answers[access.MemberVisibleTo] != access.Value {
			way = union(way, f.Scopes[0])
		}
	}
	if len(way) > 0 {
		sets = append(sets, way)
	}
	for _, c := range p.Leaves {
		for _, scopes := range s.Matrix[c.Name()].Scopes {
			sets = append(sets, union(way, scopes))
		}
	}
	if len(p.Steps) > shortPath {
		return sets
	}
	for _, scopes := range slices.Clone(sets) {
		sets = append(sets, without(s.Scopes, scopes...))
		for _, lost := range scopes {
			sets = append(sets, without(scopes, lost))
		}
	}
	return slices.DeleteFunc(sets, func(set []string) bool { return len(set) == 0 })
}

// scopes returns all scopes that the matrix names.
func (s Specification) scopes() (all []string) {
	for _, f := range s.Matrix {
		for _, set := range f.Scopes {
			all = union(all, set)
		}
	}
	return all
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func without(all []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(scope string) bool { return slices.Contains(some, scope) })
}

// inOrder returns the askers of a path in a fixed order, those whom every type distinguishes first.
func inOrder(askers map[string][]string) []string {
	list := slices.Clone(Askers)
	for _, asker := range slices.Sorted(maps.Keys(askers)) {
		if !slices.Contains(list, asker) {
			list = append(list, asker)
		}
	}
	return list
}

// Operators returns every set of scopes with which some request is sent, as an asker.
func (s Specification) Operators() (askers []string) {
	seen := map[string]bool{}
	for _, askers := range s.askers {
		for asker := range askers {
			if len(ScopesOf(asker)) > 0 {
				seen[asker] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Omits reports whether a call leaves out an argument or, with the name of its type, a field of an input: rules of the mutation
// apply only if it is present, and the call is not about it.
func (s *Schema) Omits(c Call, input, name string) bool {
	return slices.ContainsFunc(conditions(c.Def), func(when string) bool {
		typ, field := s.resolve(c.Def, when)
		return when != c.With && typ == input && field == name
	})
}

// conditions returns the paths of the arguments that have rules of their own.
func conditions(f *ast.FieldDefinition) (paths []string) {
	for _, r := range directives.RulesOf(f) {
		if r.When != "" && !slices.Contains(paths, r.When) {
			paths = append(paths, r.When)
		}
	}
	return paths
}

// resolve returns the input type and the name of the field to which a path of arguments leads; no type for an argument.
func (s *Schema) resolve(f *ast.FieldDefinition, path string) (input, name string) {
	steps := strings.Split(path, ".")
	a := f.Arguments.ForName(steps[0])
	if len(steps) == 1 || a == nil {
		return "", steps[0]
	}
	t := s.Types[a.Type.Name()]
	for _, step := range steps[1 : len(steps)-1] {
		if g := t.Fields.ForName(step); g != nil {
			t = s.Types[g.Type.Name()]
		}
	}
	return t.Name, steps[len(steps)-1]
}
