package policies

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/proof/cases"
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
		if !known || g.typ.Table.Name != policy.Table.Name {
			continue
		}
		r, err := p.anotherRow(ctx, policy.Table, shared)
		if err != nil {
			return err
		}
		for _, v := range p.viewers(policy) {
			if v.relation = p.relations[g.typ.Name][related{v.UserID, shared}]; v.relation == "" || v.relation == db.OwnerRelation {
				continue
			}
			n, err := p.attempt(ctx, v.Viewer, nil, r.insert)
			if want := v.isAdmitted(policy, ""); want && (err != nil || n != 1) || !want && !isPolicyError(err) {
				say("inserting a row beside a shared one by %s made %d rows (%v), admitted should be %v", v.name, n, err, want)
			}
		}
	}
	return nil
}

// checkOwnerUpdates checks that a viewer whose relation may update a row cannot change the columns that only its owner may.
func (p *Prober) checkOwnerUpdates(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	for _, g := range p.guards[policy.Name()] {
		shared, known := p.shared[g.typ.Name]["PUBLIC"]
		if !known || g.typ.Table.Name != policy.Table.Name {
			continue
		}
		for _, column := range policy.Table.OwnerUpdate {
			set, err := p.otherValue(ctx, policy.Table, column, shared)
			if err != nil {
				return err
			}
			for _, v := range p.viewers(policy) {
				v.relation = p.relations[g.typ.Name][related{v.UserID, shared}]
				if v.relation == "" || !v.isAdmitted(policy, "") {
					continue
				}
				n, err := p.attempt(ctx, v.Viewer, nil, doing(set, shared))
				if owns := v.relation == db.OwnerRelation; owns && (err != nil || n != 1) || !owns && err == nil {
					say("changing %s, which only owners may, by %s changed %d rows (%v)", column, v.name, n, err)
				}
			}
		}
	}
	return nil
}

var argument = regexp.MustCompile(`\((\w+)\)$`)

// parentOf returns the column with the row from which a row of the table has its relations; "" if that is the row itself.
func parentOf(table db.Table) string {
	m := argument.FindStringSubmatch(table.Relation)
	if m == nil || m[1] == keyOf(table) {
		return ""
	}
	return m[1]
}

// guardsOwner reports whether the UPDATE policy of a table refuses another owner. It does not if it admits relations: what it asks about
// the changed row is who is related to the row, and that does not depend on its owner column. Then only the missing grant refuses.
func guardsOwner(table db.Table) bool { return !table.OfParent && table.As["UPDATE"] == "" }

// checkMoves checks that no viewer can move a row that they may update to the row of a user to whom they are not related. The policy
// refuses everyone but the owner, who is refused by a foreign key unless the row has its owner from there.
func (p *Prober) checkMoves(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	table, parent := policy.Table, parentOf(policy.Table)
	if parent == "" {
		return nil
	}
	for _, v := range p.viewers(policy) {
		to := ""
		query := fmt.Sprintf(`SELECT %q FROM app.%q WHERE %s IS NULL LIMIT 1`, parent, table.Name, p.relationIn(table))
		if err := p.asViewer(ctx, v.Viewer, query, func(found *sql.Rows) error { return found.Scan(&to) }); err != nil {
			return err
		}
		if to == "" {
			continue
		}
		// Without a WHERE: otherwise the new row must also pass the SELECT policy.
		n, err := p.attempt(ctx, v.Viewer, nil, doing(fmt.Sprintf(`UPDATE app.%q SET %q = $1`, table.Name, parent), to))
		if byKey := v.owns && !table.OfParent; n > 0 || err != nil && !isPolicyError(err) && !byKey {
			say("moving rows to another user's by %s changed %d (%v), want the policy's error", v.name, n, err)
		}
	}
	return nil
}

// otherValue returns a statement that gives the column of the row $1 the value of another row.
func (p *Prober) otherValue(ctx context.Context, table db.Table, column string, row any) (string, error) {
	var literal string
	query := fmt.Sprintf(`
		SELECT quote_nullable(x.%[1]q::text) || '::' || format_type(a.atttypid, a.atttypmod)
		  FROM app.%[2]q x JOIN pg_attribute a ON a.attrelid = 'app.%[2]q'::regclass AND a.attname = '%[1]s'
		 WHERE x.%[1]q IS DISTINCT FROM (SELECT y.%[1]q FROM app.%[2]q y WHERE y.%[3]q = $1)
		 LIMIT 1`, column, table.Name, keyOf(table))
	err := p.super.QueryRowContext(ctx, query, row).Scan(&literal)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("all rows of %s have the same %s, so no trial can change it", table.Name, column)
	}
	if err != nil {
		return "", fmt.Errorf("find another value of %s.%s: %w", table.Name, column, err)
	}
	return fmt.Sprintf(`UPDATE app.%q SET %q = %s WHERE %q = $1`, table.Name, column, literal, keyOf(table)), nil
}
