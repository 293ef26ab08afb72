// Package backup says whether a dump of a database by a role would be complete. It owns what pg_dump needs to read. It must not know
// what the tables contain, and it changes nothing.
package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// timeout is how long the check may take.
const timeout = 30 * time.Second

// Report is what a dump by a role would have.
type Report struct {
	Role, Database, Version string // Version is that of the server
	Tables, Sequences       int
	Functions, LargeObjects int

	Problems []string // why the dump would fail or lack something, and what to do
	Notes    []string // what is wrong otherwise
}

// Check connects as a role and checks that it can dump the whole database, in which each of these tables must exist, such as
// migrations.freehold. The errors contain no password.
func Check(ctx context.Context, url string, required []string) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connector, err := pq.NewConnector(url)
	if err != nil {
		return Report{}, errors.New("the URL is malformed") // pq's error may quote the password
	}
	pool := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	defer pool.Close()
	tx, err := pool.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return Report{}, fmt.Errorf("connect to the database: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	c := check{ctx: ctx, tx: tx}
	for _, part := range []func() error{
		c.role, c.relations, c.functions, c.largeObjects, func() error { return c.exist(required) },
	} {
		if err := part(); err != nil {
			return c.Report, fmt.Errorf("check what the role can read: %w", err)
		}
	}
	return c.Report, nil
}

type check struct {
	Report

	ctx context.Context //nolint:containedctx // of one call of Check
	tx  *sqlx.Tx
}

func (c *check) role() error {
	var r struct {
		Role, Database, Version string
		Super                   bool `db:"rolsuper"`
	}
	err := c.tx.GetContext(c.ctx, &r, `
		SELECT rolname AS role, current_database() AS database, current_setting('server_version') AS version, rolsuper
		  FROM pg_roles WHERE rolname = current_user`)
	if c.Role, c.Database, c.Version = r.Role, r.Database, r.Version; r.Super {
		c.Notes = append(c.Notes, "the role is a superuser, so anyone who gets its password can change everything: use freehold_backup, which only reads")
	}
	return err
}

// inScope are the schemas that pg_dump dumps. It leaves out what belongs to an extension.
const inScope = `
	n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = $1::regclass AND d.objid = x.oid AND d.deptype = 'e')`

// relations checks the tables and sequences. The data of views and foreign tables is not dumped.
func (c *check) relations() error {
	var rows []struct {
		Name                             string
		Sequence, Reads, Hidden, Changes bool
	}
	err := c.tx.SelectContext(c.ctx, &rows, `
		SELECT format('%I.%I', n.nspname, x.relname) AS name, x.relkind = 'S' AS sequence,
		       has_schema_privilege(n.oid, 'USAGE')
		       AND CASE x.relkind WHEN 'S' THEN has_sequence_privilege(x.oid, 'SELECT') ELSE has_table_privilege(x.oid, 'SELECT') END AS reads,
		       x.relkind <> 'S' AND row_security_active(x.oid) AS hidden,
		       x.relkind <> 'S' AND (has_any_column_privilege(x.oid, 'INSERT') OR has_any_column_privilege(x.oid, 'UPDATE') OR has_table_privilege(x.oid, 'DELETE')) AS changes
		  FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace
		 WHERE x.relkind IN ('r', 'p', 'S') AND x.relpersistence <> 't' AND`+inScope+`
		 ORDER BY 1`, "pg_class")
	var unread, hidden, changed []string
	for _, r := range rows {
		if r.Sequence {
			c.Sequences++
		} else {
			c.Tables++
		}
		for list, is := range map[*[]string]bool{&unread: !r.Reads, &hidden: r.Hidden, &changed: r.Changes} {
			if is {
				*list = append(*list, r.Name)
			}
		}
	}
	c.problem(unread, "the role cannot read %s: use freehold_backup or, if this role is only for backups, run GRANT pg_read_all_data TO %s as a superuser")
	c.problem(hidden, "row security hides rows of %s from the role: use freehold_backup or, if this role is only for backups, run ALTER ROLE %s BYPASSRLS as a superuser")
	if len(changed) > 0 && len(c.Notes) == 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("the role can change %s: use freehold_backup, which only reads", some(changed)))
	}
	return err
}

// functions counts the functions. Every role can read their texts.
func (c *check) functions() error {
	return c.tx.GetContext(c.ctx, &c.Functions, `
		SELECT count(*) FROM pg_proc x JOIN pg_namespace n ON n.oid = x.pronamespace WHERE`+inScope, "pg_proc")
}

// largeObjects checks the large objects, which freehold does not use. pg_read_all_data does not include them.
func (c *check) largeObjects() error {
	var unread []string
	err := c.tx.SelectContext(c.ctx, &unread, `
		SELECT m.oid::text FROM pg_largeobject_metadata m
		 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper) AND NOT pg_has_role(m.lomowner, 'USAGE')
		   AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a
		                    WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
		 ORDER BY m.oid`)
	if err != nil {
		return err
	}
	c.problem(unread, "the role cannot read the large object %s, which freehold did not create: delete it, or run GRANT SELECT ON LARGE OBJECT … TO %s as a superuser")
	return c.tx.GetContext(c.ctx, &c.LargeObjects, `SELECT count(*) FROM pg_largeobject_metadata`)
}

// exist checks that it is the right database, and that it has been migrated.
func (c *check) exist(tables []string) error {
	var found []string
	err := c.tx.SelectContext(c.ctx, &found, `
		SELECT format('%s.%s', n.nspname, x.relname) FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace WHERE x.relkind = 'r'`)
	for _, table := range tables {
		if !slices.Contains(found, table) {
			c.Problems = append(c.Problems, fmt.Sprintf("the database %s has no table %s: use the URL of the service's database, and run `freehold migrate`", c.Database, table))
		}
	}
	return err
}

// problem adds a problem about some objects, if there are any. Its text has a place for them and one for the role.
func (c *check) problem(names []string, text string) {
	if len(names) > 0 {
		c.Problems = append(c.Problems, fmt.Sprintf(text, some(names), pq.QuoteIdentifier(c.Role)))
	}
}

// some lists the first few names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
