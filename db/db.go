// Package db owns all SQL: the migrations, the database roles and the queries. Each query runs in a viewer transaction
// (Read, Write) or in the system transaction (AsSystem). PostgreSQL's row policies decide what a viewer transaction sees; no
// query filters by viewer for safety. Connections, migrations, scanning and literals are in packages below. The package must not
// know GraphQL or HTTP.
package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/db/wire"
)

// DB is the service's connection pool. It connects as the app role.
type DB struct {
	pool      *sqlx.DB
	observer  Observer
	statement time.Duration
	share     int // see WithShare
	entry     entry
	strong    string       // see Options.StrongScopes, separated by a space
	own       MigrationSet // the set that runs before all others
}

// Options say how to reach the database.
type Options struct {
	URL            string // of the app role, in a form that lib/pq accepts
	MaxConnections int    // of the pool; 0 means 10
	// StatementTimeout limits each statement, within the deadline of its request; 0 means 3 seconds. The server cancels a
	// statement that takes longer. If the server does not answer, the connection is closed half a second later.
	StatementTimeout time.Duration
	Observer         Observer
	// Subgraph says that the database belongs to a second subgraph: it has the migrations of SubgraphMigrations, and its viewers come
	// from the verified tokens of the service that has the accounts.
	Subgraph bool
	// StrongScopes are the scopes that only sessions with two factors have; "*" means all.
	StrongScopes []string
}

// Open returns the pool. It does not connect yet; an error means that the URL is malformed.
func Open(o Options) (*DB, error) {
	inner, err := wire.NewConnector(o.URL)
	if err != nil {
		return nil, errors.New("open database: the URL is malformed") // pq's error may quote the password
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 10
	}
	o.StatementTimeout = cmp.Or(o.StatementTimeout, 3*time.Second)
	pool := sql.OpenDB(&connector{Connector: inner, statement: o.StatementTimeout, observer: o.Observer})
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	share := max(1, min(maxShare, o.MaxConnections/2))
	d := &DB{
		pool: sqlx.NewDb(pool, "postgres"), observer: o.Observer, statement: o.StatementTimeout, share: share,
		entry: bySession, strong: strings.Join(o.StrongScopes, " "), own: OwnMigrations(),
	}
	if o.Subgraph {
		d.entry, d.own = byToken, SubgraphMigrations()
	}
	return d, nil
}

// Close closes the pool.
func (d *DB) Close() error { return d.pool.Close() }

// Stats returns the number of connections, and how often a caller waited for one.
func (d *DB) Stats() sql.DBStats { return d.pool.Stats() }

// CheckRole returns an error unless every row policy applies to the app role. The role must not be a superuser, have BYPASSRLS,
// CREATEROLE or REPLICATION, or own a table or schema, directly or through another role. It must not have access to secrets, or
// to a table that has no policy for it.
func (d *DB) CheckRole(ctx context.Context) error {
	var problems []string
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &problems, `
		SELECT 'it is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
		UNION ALL
		SELECT format('it is a member of the superuser %I', rolname) FROM pg_roles WHERE rolsuper AND rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL
		SELECT format('it has BYPASSRLS through %I', rolname) FROM pg_roles WHERE rolbypassrls AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL
		SELECT format('it has REPLICATION through %I', rolname) FROM pg_roles WHERE rolreplication AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL
		SELECT format('it has CREATEROLE through %I', rolname) FROM pg_roles WHERE rolcreaterole AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL
		SELECT DISTINCT format('it owns tables through %s', relowner::regrole) FROM pg_class
		 WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
		   AND pg_has_role(current_user, relowner, 'MEMBER')
		UNION ALL
		SELECT 'it is a member of freehold_definer' FROM pg_roles WHERE rolname = 'freehold_definer' AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL
		SELECT format('it owns the schema %I', nspname) FROM pg_namespace WHERE nspname IN ('app', 'migrations') AND pg_has_role(current_user, nspowner, 'MEMBER')
		UNION ALL
		SELECT format('it has the privilege %2$s on %1$s, but no row policy for it', c.oid::regclass, privilege)
		  FROM pg_class c, (VALUES ('SELECT', 'r'::"char"), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) command (privilege, letter)
		 WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'app') AND c.relkind IN ('r', 'p')
		   AND (has_table_privilege(c.oid, privilege) OR privilege <> 'DELETE' AND has_any_column_privilege(c.oid, privilege))
		   AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd IN (letter, '*')
		                      AND p.polroles && ARRAY[0, (SELECT oid FROM pg_roles WHERE rolname = 'freehold_app')])
		UNION ALL
		SELECT format('it can read %s.%I, which only freehold_definer may', c.oid::regclass, a.attname)
		  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		 WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'app') AND a.attname IN ('password_hash', 'refresh_hash', 'previous_hash', 'code_hash', 'secret')
		   AND has_column_privilege(c.oid, a.attnum, 'SELECT')`)
	})
	if err != nil {
		return fmt.Errorf("check the DATABASE_URL role: %w", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("the DATABASE_URL role can bypass row-level security: %s. Use the app role (see docs/deployment.md)", problems[0])
	}
	return nil
}
