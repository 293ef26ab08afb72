package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// storedTable describes a table in the database: whether row-level security is enabled and forced, and the policies of the app role.
type storedTable struct {
	Name     string         `db:"name"`
	Forced   bool           `db:"forced"`
	Policies pq.StringArray `db:"policies"`
}

// CheckTables returns an error for each of the tables, in their order: how the database differs from the declaration, or nil.
func (d *DB) CheckTables(ctx context.Context, tables []Table) ([]error, error) {
	var stored []storedTable
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &stored, `
			SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
			       ARRAY(SELECT p.policyname::text FROM pg_policies p
			              WHERE p.schemaname = 'app' AND p.tablename = c.relname AND 'freehold_app' = ANY (p.roles)
			              ORDER BY p.policyname) AS policies
			  FROM pg_class c
			 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'app')`)
	})
	if err != nil {
		return nil, fmt.Errorf("check the tables of owned types: %w", err)
	}
	problems := make([]error, len(tables))
	for i, t := range tables {
		problems[i] = t.compare(stored)
	}
	return problems, nil
}

// compare returns an error if the database differs from the declaration.
func (t Table) compare(stored []storedTable) error {
	i := slices.IndexFunc(stored, func(s storedTable) bool { return s.Name == t.Name })
	if i < 0 {
		return fmt.Errorf("the database has no table app.%s", t.Name)
	}
	var declared []string
	for _, p := range t.Policies() {
		declared = append(declared, p.Name())
		if !slices.Contains(stored[i].Policies, p.Name()) {
			return fmt.Errorf("the database has no row policy %s: call app.protect('%s', …) in a migration, with %s", p.Name(), t.Name, t.protect())
		}
	}
	for _, name := range stored[i].Policies {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("the database has the row policy %s, which the type does not declare", name)
		}
	}
	if !stored[i].Forced {
		return fmt.Errorf("row-level security of app.%s is not forced: call app.protect('%[1]s', …) in a migration", t.Name)
	}
	return nil
}

// protect returns the arguments of app.protect that create the declared policies.
func (t Table) protect() string {
	var arguments []string
	if t.Admits == AdmitsVisible {
		arguments = append(arguments, "sees => 'visibility'")
	}
	if t.Insert {
		arguments = append(arguments, "inserts => true")
	}
	if len(t.Update) > 0 {
		arguments = append(arguments, "updates => '{"+strings.Join(t.Update, ",")+"}'")
	}
	if t.Delete {
		arguments = append(arguments, "deletes => true")
	}
	if len(arguments) == 0 {
		return "no further arguments"
	}
	return strings.Join(arguments, ", ")
}
