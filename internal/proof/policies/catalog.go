package policies

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/lib/pq"

	"freehold.dev/freehold/db/dbtest"
)

// Stored is a row policy for the app's role, from the catalog.
type Stored struct {
	Table, Name, Command string
	Using, Check         sql.NullString
	Trigger              sql.NullString // of an UPDATE: what refuses columns that only owners may change
}

// ownerUpdates returns the name of that trigger of a table.
func ownerUpdates(table string) string { return table + "_owner_updates" }

func (p Stored) String() string { return p.Name }

// All returns the row policies for the app's role in a database.
func All(t testing.TB, d dbtest.Database) (list []Stored) {
	t.Helper()
	rows, err := open(t, d.Superuser).QueryContext(t.Context(), `
		SELECT tablename, policyname, cmd, qual, with_check,
		       (SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgname = tablename || '_owner_updates' AND cmd = 'UPDATE')
		  FROM pg_policies
		 WHERE schemaname = 'app' AND 'freehold_app' = ANY (roles)
		 ORDER BY tablename, policyname`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Stored
		if err := rows.Scan(&p.Table, &p.Name, &p.Command, &p.Using, &p.Check, &p.Trigger); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		t.Fatalf("%d policies, %v", len(list), err)
	}
	return list
}

func open(t testing.TB, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// storedTable is what the catalog says about a table: enough to write a row without knowing the table.
type storedTable struct {
	name       string
	columns    []storedColumn
	uniques    [][]string // the columns of each unique index
	references []reference
}

type storedColumn struct {
	name, typ                       string
	updatable, insertable, nullable bool // the columns that the app's role can update and insert
}

// reference is a foreign key within the schema.
type reference struct {
	columns, referred []string
	table             string
}

func (s storedTable) isUnique(column string) bool {
	return slices.ContainsFunc(s.uniques, func(u []string) bool { return slices.Contains(u, column) })
}

func describeTable(ctx context.Context, super *sql.DB, name string) (s storedTable, err error) {
	s.name = name
	err = scanAll(ctx, super, func(rows *sql.Rows) error {
		var c storedColumn
		defer func() { s.columns = append(s.columns, c) }()
		return rows.Scan(&c.name, &c.typ, &c.updatable, &c.insertable, &c.nullable)
	}, `
		SELECT attname, format_type(atttypid, atttypmod), has_column_privilege('freehold_app', attrelid, attnum, 'UPDATE'),
		       has_column_privilege('freehold_app', attrelid, attnum, 'INSERT') AND attgenerated = '' AND attidentity <> 'a', NOT attnotnull
		  FROM pg_attribute
		 WHERE attrelid = ('app.' || quote_ident($1))::regclass AND attnum > 0 AND NOT attisdropped
		 ORDER BY attnum`, name)
	if err != nil {
		return s, fmt.Errorf("describe the columns of %s: %w", name, err)
	}
	err = scanAll(ctx, super, func(rows *sql.Rows) error {
		var columns pq.StringArray
		defer func() { s.uniques = append(s.uniques, columns) }()
		return rows.Scan(&columns)
	}, `
		SELECT array_agg(a.attname::text)
		  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		 WHERE i.indisunique AND i.indrelid = ('app.' || quote_ident($1))::regclass
		 GROUP BY i.indexrelid
		 ORDER BY i.indexrelid`, name)
	if err != nil {
		return s, fmt.Errorf("describe the unique indexes of %s: %w", name, err)
	}
	err = scanAll(ctx, super, func(rows *sql.Rows) error {
		var r reference
		defer func() { s.references = append(s.references, r) }()
		return rows.Scan(&r.table, (*pq.StringArray)(&r.columns), (*pq.StringArray)(&r.referred))
	}, `
		SELECT f.relname,
		       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, i) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i),
		       ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (n, i) JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i)
		  FROM pg_constraint c JOIN pg_class f ON f.oid = c.confrelid
		 WHERE c.contype = 'f' AND c.conrelid = ('app.' || quote_ident($1))::regclass AND f.relnamespace = 'app'::regnamespace
		 ORDER BY c.oid`, name)
	if err != nil {
		return s, fmt.Errorf("describe the foreign keys of %s: %w", name, err)
	}
	return s, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func scanAll(ctx context.Context, pool querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := pool.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
