package policies

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/proof/cases"
)

// checkUpdate also checks that a member cannot give a row away or move it to another user's row, even after a mistaken grant, and that
// only owners change the columns that are theirs alone.
func (p *Prober) checkUpdate(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	table := policy.Table
	blind, err := p.blindUpdate(ctx, table)
	if err != nil {
		return err
	}
	if err := p.checkTouched(ctx, policy, blind, say); err != nil {
		return err
	}
	if err := errors.Join(p.checkOwnerUpdates(ctx, policy, say), p.checkMoves(ctx, policy, say)); err != nil || !guardsOwner(table) {
		return err
	}
	owner := p.people["PUBLIC"]
	mine, err := p.rowsOf(ctx, policy, owner)
	if err != nil {
		return err
	}
	give := fmt.Sprintf(`UPDATE app.%q SET %q = $1`, table.Name, p.ownerOf(table.Name))
	if n, err := p.attempt(ctx, owner, nil, doing(give, owner.UserID)); err != nil || n != mine {
		say("taking rows over changed %d (%v), want %d", n, err, mine)
	}
	if n, err := p.attempt(ctx, owner, nil, doing(give, p.newborn.UserID)); !isPolicyError(err) {
		say("giving rows away changed %d (%v), want the policy's error", n, err)
	}
	return nil
}

// blindUpdate sets a column without reading any. It sets a value of another row, which the column's checks accept, or a new
// value if the column is unique.
func (p *Prober) blindUpdate(ctx context.Context, table db.Table) (string, error) {
	stored, err := describeTable(ctx, p.super, table.Name)
	if err != nil {
		return "", err
	}
	unique := ""
	for _, c := range stored.columns {
		switch set := fmt.Sprintf(`UPDATE app.%q SET %q = `, table.Name, c.name); {
		case !c.updatable || !slices.Contains(table.Update, c.name) || slices.Contains(table.OwnerUpdate, c.name):
		case stored.isUnique(c.name) && (c.typ == "text" || c.typ == "uuid"):
			unique = set + "gen_random_uuid()::" + c.typ
		case stored.isUnique(c.name):
		default:
			var literal string
			err := p.super.QueryRowContext(ctx, fmt.Sprintf(`SELECT quote_nullable(%q::text) FROM app.%q LIMIT 1`, c.name, table.Name)).Scan(&literal)
			if err != nil {
				return "", fmt.Errorf("find a value of %s.%s: %w", table.Name, c.name, err)
			}
			return set + literal + "::" + c.typ, nil
		}
	}
	if unique == "" {
		return "", errors.New("the app's role may update no column of " + table.Name + " to try it with")
	}
	return unique, nil
}

// checkOwnerUpdates checks that a viewer whose relation may update a row cannot change the columns that only its owner may.
func (p *Prober) checkOwnerUpdates(ctx context.Context, policy db.Policy, say func(string, ...any)) error {
	for _, g := range p.guards[policy.Name()] {
		shared, known := p.shared[g.typ.Name]["PUBLIC"]
		if !known || g.typ.Table.Name != policy.Table.Name {
			continue
		}
		for _, column := range policy.Table.OwnerUpdate {
			set, valid, err := p.otherValue(ctx, policy.Table, column, shared)
			if err != nil {
				return err
			}
			for _, v := range p.viewers(policy) {
				v.relation = p.relations[g.typ.Name][related{v.UserID, shared}]
				if v.relation == "" || !v.isAdmitted(policy, "") {
					continue
				}
				owns := v.relation == db.OwnerRelation
				if owns && !valid {
					continue
				}
				n, err := p.attempt(ctx, v.Viewer, nil, doing(set, shared))
				passed := err == nil && n == 1 || pq.As(err, pqerror.ForeignKeyViolation) != nil // the value is of another user's row
				if owns && !passed || !owns && pq.As(err, errOwnerUpdates) == nil {
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
		_, isRelated := cases.RelationOf(v.name)
		to := ""
		query := fmt.Sprintf(`SELECT %q FROM app.%q WHERE %s IS NULL LIMIT 1`, parent, table.Name, p.relationIn(table))
		if err := p.asViewer(ctx, v.Viewer, query, func(found *sql.Rows) error { return found.Scan(&to) }); err != nil {
			return err
		}
		if to == "" {
			continue
		}
		// Without a WHERE: otherwise the new row must also pass the SELECT policy.
		prepare := p.withoutOwn(table, v)
		if !isRelated {
			prepare = nil
		}
		n, err := p.attempt(ctx, v.Viewer, prepare, doing(fmt.Sprintf(`UPDATE app.%q SET %q = $1`, table.Name, parent), to))
		if byKey := !isRelated && !table.OfParent; n > 0 || err != nil && !isPolicyError(err) && !byKey {
			say("moving rows to another user's by %s changed %d (%v), want the policy's error", v.name, n, err)
		}
	}
	return nil
}

// withoutOwn deletes the rows that a viewer owns.
func (p *Prober) withoutOwn(table db.Table, v viewer) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		if table.OfParent {
			return nil
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`DELETE FROM app.%q WHERE %q = $1`, table.Name, p.ownerOf(table.Name)), v.UserID)
		return err
	}
}

// errOwnerUpdates is the error of app.refuse_update.
const errOwnerUpdates = pqerror.Code("FH009")

// otherValue returns a statement that gives the column of the row $1 the value of another row. If all rows have the same one, it gives
// a new one, which may not be valid.
func (p *Prober) otherValue(ctx context.Context, table db.Table, column string, row any) (statement string, valid bool, err error) {
	var literal, typ string
	query := fmt.Sprintf(`
		SELECT quote_nullable(x.%[1]q::text), format_type(a.atttypid, a.atttypmod)
		  FROM pg_attribute a LEFT JOIN app.%[2]q x ON x.%[1]q IS DISTINCT FROM (SELECT y.%[1]q FROM app.%[2]q y WHERE y.%[3]q = $1)
		 WHERE a.attrelid = 'app.%[2]q'::regclass AND a.attname = '%[1]s'
		 ORDER BY x.%[1]q IS NULL
		 LIMIT 1`, column, table.Name, keyOf(table))
	if err := p.super.QueryRowContext(ctx, query, row).Scan(&literal, &typ); err != nil {
		return "", false, fmt.Errorf("find another value of %s.%s: %w", table.Name, column, err)
	}
	if valid = literal != "NULL"; !valid {
		if typ != "uuid" && typ != "text" {
			return "", false, fmt.Errorf("all rows of %s have the same %s, so no trial can change it", table.Name, column)
		}
		literal = "gen_random_uuid()"
	}
	return fmt.Sprintf(`UPDATE app.%q SET %q = %s::%s WHERE %q = $1`, table.Name, column, literal, typ, keyOf(table)), valid, nil
}
