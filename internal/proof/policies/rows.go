package policies

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/proof/people"
)

// row is a row of a table, by column.
type row struct {
	table  storedTable
	values map[string]any
	parent []row // rows of the same owner that it refers to, to be inserted first
}

// newRow returns a row that the newborn could have: a copy of another member's row, with other values in unique columns. If
// the row refers to a row of that member, it comes with such a row of the newborn.
func (p *Prober) newRow(ctx context.Context, table db.Table) (r row, err error) {
	query := fmt.Sprintf(`SELECT to_jsonb(x) FROM app.%q x ORDER BY %s = 'OWNER' DESC NULLS LAST LIMIT 1`, table.Name, p.relationIn(table))
	if r, err = p.copyRow(ctx, table, query); err != nil {
		return r, err
	}
	owner := p.ownerOf(table.Name)
	var changed []string
	if !table.OfParent {
		changed = append(changed, owner)
		r.values[owner] = p.newborn.UserID
	}
	references := slices.SortedStableFunc(slices.Values(r.table.references), func(a, b reference) int { return len(b.columns) - len(a.columns) })
	for _, ref := range references { // those that say most first: the parent that they lead to may be in another one
		isSet := !slices.ContainsFunc(ref.columns, func(column string) bool { return !slices.Contains(changed, column) })
		if _, owned := p.tables[ref.table]; !owned || isSet || ref.table == "users" || r.values[ref.columns[0]] == nil {
			continue
		}
		if ref.table == table.Name { // the parent of the copied row belongs to another member
			for _, column := range ref.columns {
				if column != owner {
					r.values[column] = nil
				}
			}
			continue
		}
		parent, err := p.newRow(ctx, p.tables[ref.table])
		if err != nil {
			return r, err
		}
		r.parent = append(r.parent, parent)
		for i, column := range ref.columns {
			r.values[column] = parent.values[ref.referred[i]]
			changed = append(changed, column)
		}
	}
	r.refresh(changed, "")
	return r, nil
}

// anotherRow returns a copy of a row with other values in unique columns. It belongs to the same rows.
func (p *Prober) anotherRow(ctx context.Context, table db.Table, ref db.RowRef) (r row, err error) {
	if r, err = p.copyRow(ctx, table, fmt.Sprintf(`SELECT to_jsonb(x) FROM app.%q x WHERE %q = '%s' LIMIT 1`, table.Name, ref.Column, ref.ID)); err != nil {
		return r, err
	}
	r.refresh(nil, parentOf(table))
	return r, nil
}

// copyRow returns a copy of the row of a query, in which app.viewer_id() is a person with rows.
func (p *Prober) copyRow(ctx context.Context, table db.Table, query string) (r row, err error) {
	if r.table, err = describeTable(ctx, p.super, table.Name); err != nil {
		return r, err
	}
	text := ""
	if err := p.asViewer(ctx, p.people["PUBLIC"], query, func(found *sql.Rows) error { return found.Scan(&text) }); err != nil || text == "" {
		return r, fmt.Errorf("find a row of %s to copy: %w", table.Name, cmp.Or(err, sql.ErrNoRows))
	}
	err = json.Unmarshal([]byte(text), &r.values)
	return r, err
}

// refresh gives each unique index without a changed column a new value. The first column of the index that refers to no other row
// gets it, but never the column kept.
func (r row) refresh(changed []string, kept string) {
	for _, unique := range r.table.uniques {
		if slices.ContainsFunc(unique, func(column string) bool { return slices.Contains(changed, column) }) {
			continue
		}
		column := ""
		for _, c := range unique {
			if c == kept {
				continue
			}
			column = cmp.Or(column, c)
			refers := slices.ContainsFunc(r.table.references, func(ref reference) bool { return slices.Contains(ref.columns, c) })
			if !refers {
				column = c
				break
			}
		}
		if column != "" {
			r.values[column] = fresh(r.values[column])
			changed = append(changed, column)
		}
	}
}

// fresh returns a value that no row has, of the same JSON type as another value.
func fresh(like any) any {
	if _, number := like.(float64); number {
		return 1_000_000 + people.Serial()
	}
	return uuid.NewString()
}

// insert inserts a row with the columns that the app's role may write.
func (r row) insert(ctx context.Context, tx *sql.Tx) (int64, error) {
	values, err := json.Marshal(r.values)
	if err != nil {
		return 0, err
	}
	columns := ""
	for _, c := range r.table.columns {
		if c.insertable {
			columns += fmt.Sprintf(", %q", c.name)
		}
	}
	if columns == "" {
		return 0, fmt.Errorf("the app's role may write no column of a new row of %s", r.table.name)
	}
	return affected(tx.ExecContext(ctx, fmt.Sprintf(
		`INSERT INTO app.%[1]q (%[2]s) SELECT %[2]s FROM jsonb_populate_record(NULL::app.%[1]q, $1)`, r.table.name, columns[2:]), string(values)))
}

// prepare inserts the rows that the row refers to.
func (r row) prepare(ctx context.Context, tx *sql.Tx) error {
	for _, parent := range r.parent {
		if err := parent.prepare(ctx, tx); err != nil {
			return err
		}
		if _, err := parent.insert(ctx, tx); err != nil {
			return fmt.Errorf("make a row of %s for one of %s to refer to: %w", parent.table.name, r.table.name, err)
		}
	}
	return nil
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
