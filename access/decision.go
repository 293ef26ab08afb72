package access

import (
	"slices"
	"strings"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
)

// decision is what decides about a field: its own rules or those of a field that leads to it, and the layers behind these rules.
type decision struct {
	field  string
	rules  []directives.Rule // all of them must let a viewer through; the first that refuses is the answer
	layers []Layer
	row    *Layer // the policy under which the row is read that the rules decide about; nil if there is none, or it is not known
}

// relations returns the relations that a viewer can have to the row, strongest first.
func (d decision) relations() []string {
	if d.row == nil {
		return nil
	}
	return d.row.Relations
}

// concerns reports whether the decision distinguishes this viewer. A decision about a row of another type does not have each relation.
func (d decision) concerns(v Viewer) bool {
	return !v.isRelation() || d.row == nil || slices.Contains(d.row.Relations, string(v))
}

// asker is a viewer with the scopes of an operator.
type asker struct {
	Viewer
	scopes []string
}

// asker returns the viewer of a kind. An operator is a member with one of the alternatives of scopes that the decision
// names: the first that gets the value, if any does.
func (d decision) asker(v Viewer) asker {
	if v != Operator {
		return asker{v, nil}
	}
	first := asker{Member, nil}
	for i, scopes := range d.scopes() {
		a := asker{Member, scopes}
		if d.answer(a) == Value {
			return a
		}
		if i == 0 {
			first = a
		}
	}
	return first
}

// scopes returns the alternatives of scopes that make an operator: those that the rules name or, if they name none, one with the
// scopes of the policies.
func (d decision) scopes() [][]string {
	all := [][]string{nil}
	for _, r := range d.rules {
		if sets := r.Scopes(); len(sets) > 0 {
			all = combined(all, sets)
		}
	}
	if len(all[0]) > 0 {
		return all
	}
	var named []string
	for _, l := range d.layers {
		named = append(named, l.Scopes...)
	}
	if d.row != nil {
		named = append(named, d.row.Scopes...)
	}
	if len(named) == 0 {
		return nil
	}
	return [][]string{sortedSet(named)}
}

// combined returns each set of one list together with each of the other.
func combined(some, others [][]string) (all [][]string) {
	for _, a := range some {
		for _, b := range others {
			all = append(all, sortedSet(slices.Concat(a, b)))
		}
	}
	return all
}

func sortedSet(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (d decision) refusedByLayer(a asker) bool {
	return slices.ContainsFunc(d.layers, func(l Layer) bool { return !l.admits(a.Viewer, a.scopes) })
}

func (d decision) answer(a asker) Answer {
	for _, r := range d.rules {
		if answer := d.byRule(r, a); answer != Value {
			return answer
		}
	}
	return Value
}

// sees reports whether a viewer sees the row, as far as a rule can tell.
func (d decision) sees(a asker) bool {
	shown := d.row == nil || d.row.showsVisible()
	switch {
	case d.row != nil && d.row.Admits == AdmitsEveryone:
		return true
	case d.row != nil && a.signedIn() && overlap(d.row.Scopes, a.scopes):
		return true
	case a.Viewer == NobodyVisibleTo, a.Viewer == MemberVisibleTo:
		return shown
	default:
		return a.Viewer != Nobody && a.Viewer != Member
	}
}

// byRule is the meaning of a rule. Tests compare it with the code that runs, in package directives.
func (d decision) byRule(r directives.Rule, a asker) Answer {
	var refusal fault.Code
	switch r.Name {
	case "visible":
		if !d.sees(a) {
			refusal = fault.NotFound
		}
	case "signedIn":
		if !a.signedIn() {
			refusal = fault.Unauthenticated
		}
	case "scopes":
		refusal = byScopes(r, a)
	case "owner":
		refusal = d.byOwner(r, a)
	}
	switch {
	case refusal == "":
		return Value
	case r.Name == "owner" && r.Otherwise == directives.OtherwiseNull:
		return Null
	default:
		return Answer(refusal)
	}
}

func byScopes(r directives.Rule, a asker) fault.Code {
	switch {
	case !a.signedIn():
		return fault.Unauthenticated
	case !meets(a.scopes, r.AnyOf):
		return fault.Forbidden
	default:
		return ""
	}
}

func (d decision) byOwner(r directives.Rule, a asker) fault.Code {
	switch {
	case !a.signedIn():
		return fault.Unauthenticated
	case a.hasRelation(r.As, d.relations()), meets(a.scopes, r.OrScopes):
		return ""
	case !d.sees(a):
		return fault.NotFound
	default:
		return fault.Forbidden
	}
}

func meets(scopes []string, anyOf [][]string) bool {
	return auth.Scopes(strings.Join(scopes, " ")).Meets(anyOf)
}
