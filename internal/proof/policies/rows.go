package policies

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

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
func (p *Prober) newRow(ctx context.Context, table string) (r row, err error) {
	if r.table, err = describeTable(ctx, p.super, table); err != nil {
		return r, err
	}
	owner := p.ownerOf(table)
	var text string
	query := fmt.Sprintf(`SELECT to_jsonb(x) FROM app.%q x ORDER BY %q = $1 DESC LIMIT 1`, table, owner)
	if err := p.super.QueryRowContext(ctx, query, p.people["PUBLIC"].UserID).Scan(&text); err != nil {
		return r, fmt.Errorf("find a row of %s to copy: %w", table, err)
	}
	if err := json.Unmarshal([]byte(text), &r.values); err != nil {
		return r, err
	}
	changed := []string{owner}
	r.values[owner] = p.newborn.UserID
	for _, ref := range r.table.references {
		if _, owned := p.tables[ref.table]; !owned || ref.table == "users" || r.values[ref.columns[0]] == nil {
			continue
		}
		if ref.table == table { // the parent of the copied row belongs to another member
			for _, column := range ref.columns {
				if column != owner {
					r.values[column] = nil
				}
			}
			continue
		}
		parent, err := p.newRow(ctx, ref.table)
		if err != nil {
			return r, err
		}
		r.parent = append(r.parent, parent)
		for i, column := range ref.columns {
			r.values[column] = parent.values[ref.referred[i]]
			changed = append(changed, column)
		}
	}
	for _, unique := range r.table.uniques {
		if slices.ContainsFunc(unique, func(column string) bool { return slices.Contains(changed, column) }) {
			continue
		}
		r.values[unique[0]] = fresh(r.values[unique[0]])
		changed = append(changed, unique[0])
	}
	return r, nil
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
