package policies

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/owned"
)

// viewer is someone who tries a policy. Scopes take effect in the trial without a grant.
type viewer struct {
	auth.Viewer

	name     string
	owns     bool   // whether they own rows that others try
	relation string // to a row; "" for none
}

// viewers returns those who try a policy: everyone, a member with each of the scopes that the policy names, and one with the other
// scopes that the table's policies name.
func (p *Prober) viewers(policy db.Policy) (list []viewer) {
	for _, name := range slices.Sorted(maps.Keys(p.people)) {
		v := viewer{Viewer: p.people[name], name: name}
		if slices.Contains(cases.Visibilities, name) {
			v.name, v.owns = "the owner of "+name+" rows", true
		}
		list = append(list, v)
	}
	member := p.people[cases.ByMember]
	with := func(scopes ...string) {
		member.Scopes = auth.Scopes(strings.Join(scopes, " "))
		list = append(list, viewer{Viewer: member, name: cases.Operator(scopes...)})
	}
	var others []string
	for _, scopes := range policy.Table.Scopes {
		others = append(others, scopes...)
	}
	for _, scope := range policy.Scopes() {
		others = slices.DeleteFunc(others, func(s string) bool { return s == scope })
		with(scope)
	}
	if len(others) > 0 {
		with(others...)
	}
	return list
}

// isAdmitted reports whether a policy is declared to admit the viewer to a row of a visibility.
func (v viewer) isAdmitted(policy db.Policy, visibility string) bool {
	switch admits := policy.Admits(); {
	case v.relation == db.OwnerRelation, v.IsMember() && v.Scopes.Meets(oneOf(policy.Scopes())):
		return true
	case admits == db.AdmitsVisible:
		return v.relation != "" || visibility == "PUBLIC" || visibility == "MEMBERS" && v.IsMember()
	case admits == db.AdmitsRelated:
		return v.relation != ""
	case admits == db.AdmitsOwner || v.relation == "":
		return false
	default:
		return slices.Index(policy.Table.Relations, v.relation) <= slices.Index(policy.Table.Relations, string(admits))
	}
}

// oneOf returns scopes of which each is enough.
func oneOf(scopes []string) (anyOf [][]string) {
	for _, scope := range scopes {
		anyOf = append(anyOf, []string{scope})
	}
	return anyOf
}

// checkInsert checks that viewers can insert rows for themselves, with a relation that may also for the owner of the row to
// which theirs belongs, and otherwise for no other user.
func (p *Prober) checkInsert(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	table := policy.Table
	r, err := p.newRow(ctx, table)
	if err != nil {
		return err
	}
	if n, err := p.attempt(ctx, p.newborn, r.prepare, r.insert); err != nil || n != 1 {
		say("inserting an own row made %d rows (%v), want 1", n, err)
	}
	for _, viewer := range []string{cases.ByNobody, cases.ByMember} {
		if n, err := p.attempt(ctx, p.people[viewer], r.prepare, r.insert); !isPolicyError(err) {
			say("inserting another user's row by %s made %d rows (%v), want the policy's error", viewer, n, err)
		}
	}
	if len(r.parent) > 0 && !table.OfParent {
		r.values[p.ownerOf(table.Name)] = p.people[cases.ByMember].UserID
		if n, err := p.attempt(ctx, p.people[cases.ByMember], r.prepare, r.insert); err == nil {
			say("inserting an own row that refers to another user's row in %s made %d rows, want an error: a foreign key with %s refuses it",
				r.parent[0].table.name, n, p.ownerOf(table.Name))
		}
	}
	return p.checkSharedInsert(ctx, policy, say)
}

// checkSharedInsert tries to insert a row beside one that is shared, with each relation. A row that is itself shared has no relation
// before it exists, so nobody but its owner inserts it.
func (p *Prober) checkSharedInsert(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	for _, g := range p.guards[policy.Table.Name+"_select"] {
		shared, known := p.shared[g.typ.Name]["PUBLIC"]
		ref := g.Ref(&owned.By{ID: shared})
		if !known || ref.ID != shared {
			continue // nobody has a relation to rows that belong to an owner rather than to a row
		}
		r, err := p.anotherRow(ctx, policy.Table, ref)
		if err != nil {
			return err
		}
		for _, v := range p.viewers(policy) {
			if v.relation = p.relations[g.typ.Name][related{v.UserID, shared}]; v.relation == "" || v.relation == db.OwnerRelation {
				continue
			}
			n, err := p.attempt(ctx, v.Viewer, nil, r.insert)
			passed := err == nil && n == 1 || pq.As(err, pqerror.ForeignKeyViolation) != nil // a new value refers to no row
			if want := v.isAdmitted(policy, ""); want && !passed || !want && !isPolicyError(err) {
				say("inserting a row beside a shared one by %s made %d rows (%v), admitted should be %v", v.name, n, err, want)
			}
		}
	}
	return nil
}
