// Package migrate brings a database up to date: it runs the numbered migrations of sets and creates their functions, and reports
// whether a build may serve the database. It must not know what the sets are for, or viewers.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"freehold.dev/freehold/db/wire"
)

// Set is a numbered series of migrations, with the functions that they need. An adopter's set has numbers of its own, so that they
// never collide with freehold's next migrations.
type Set struct {
	Name  string // of the table in schema migrations that stores its version
	Files fs.FS  // NNNN_name.sql at the top level, and functions/name.sql; see docs/deployment.md
	After string // a statement that runs after the migrations and functions, in their transaction; "" for none

	Excludes string // the name of a set that cannot share a database with this one; "" for none
}

// Run runs the new migrations of the sets, in their order, as the owner role. Concurrent calls run one after the other. A set is
// migrated completely or not at all, unless one of its new migrations has NO TRANSACTION. Run returns what it has done to each set, also
// to the sets before one that fails. While another session holds a lock that such a set needs, Run tries again, for five minutes. It calls
// notice, unless that is nil, when it begins to wait.
func Run(ctx context.Context, ownerURL string, notice func(error), sets ...Set) (done []Change, err error) {
	pool, err := connect(ctx, ownerURL)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()
	conn, unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("migrate: wait for other migrations: %w", err)
	}
	defer unlock()
	for _, set := range sets {
		m := migration{set: set, pool: pool, conn: conn}
		if err := m.runUnblocked(ctx, notice); err != nil {
			return done, fmt.Errorf("migrate %s: %w", set.Name, err)
		}
		done = append(done, m.done)
	}
	return done, nil
}

// connect opens the database and asks it once.
func connect(ctx context.Context, ownerURL string) (*sql.DB, error) {
	inner, err := wire.NewConnector(ownerURL)
	if err != nil {
		return nil, errors.New("FREEHOLD_MIGRATE_URL is malformed") // pq's error may quote the password
	}
	pool := sql.OpenDB(&connector{Connector: inner, ctx: ctx})
	if err := wire.Check(ctx, pool); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

// explained adds the name of the migration's file and PostgreSQL's hint to an error.
func explained(err error) error {
	if partial, ok := errors.AsType[*goose.PartialError](err); ok && partial.Failed != nil {
		err = fmt.Errorf("%s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if e := pq.As(err); e != nil && e.Hint != "" {
		return fmt.Errorf("%w\n%s", err, e.Hint)
	}
	return err
}

// lockMigrations returns a connection that holds the lock on migrations, and a function that releases both.
func lockMigrations(ctx context.Context, pool *sql.DB) (*sql.Conn, func(), error) {
	const interval, attempts = 1, 300
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(interval, attempts))
	if err != nil {
		return nil, nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, func() {
		locker.SessionUnlock(context.WithoutCancel(ctx), conn) //nolint:errcheck // closing the connection also releases the lock
		conn.Close()                                           //nolint:errcheck // as above
	}, nil
}

// migration migrates one set.
type migration struct {
	set  Set
	pool *sql.DB
	conn *sql.Conn // holds the lock
	tx   *sql.Tx

	numbered  []numberedFile
	functions []functionFile
	done      Change

	alone       []string // the migrations that an earlier try has run by themselves
	failedAlone bool     // one of these has failed
}

func (m *migration) run(ctx context.Context) (err error) {
	if m.numbered, err = readNumbered(m.set.Files); err != nil {
		return err
	}
	if m.functions, err = readFunctions(m.set.Files); err != nil {
		return err
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer func() { m.tx.Rollback() }() //nolint:errcheck // after a commit it does nothing
	if err := m.set.checkExcluded(ctx, m.tx); err != nil {
		return err
	}
	switch v, err := published(ctx, m.tx, m.set.Name); {
	case err != nil:
		return err
	default:
		m.done = Change{Set: m.set.Name, From: v.number, Build: latest(m.numbered), Serves: v.serves, Migrations: m.alone}
		if v.number > latest(m.numbered) { // a newer build has migrated: keep its functions
			return v.refuse(m.set.Name, latest(m.numbered))
		}
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if err := m.migrate(ctx); err != nil {
		return err
	}
	if err := m.applyFunctions(ctx); err != nil {
		return err
	}
	if m.set.After != "" {
		if _, err := m.tx.ExecContext(ctx, m.set.After); err != nil {
			return fmt.Errorf("%s: %w", m.set.After, err)
		}
	}
	if err := versionAt(m.numbered, latest(m.numbered)).publish(ctx, m.tx, m.set.Name); err != nil {
		return err
	}
	if err := m.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// begin begins a transaction, which waits for no lock for long. It does not end with ctx, since the other users of the connection would not
// notice.
func (m *migration) begin(ctx context.Context) error {
	tx, err := m.conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	m.tx = tx
	if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '`+lockTimeout+`'`); err != nil {
		return fmt.Errorf("set lock_timeout: %w", errors.Join(err, tx.Rollback()))
	}
	return nil
}

// prepare creates the schemas and functions that the numbered migrations need.
func (m *migration) prepare(ctx context.Context) error {
	// Only the owner has privileges on the schema migrations.
	if _, err := m.tx.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS migrations; CREATE SCHEMA IF NOT EXISTS app`); err != nil {
		return fmt.Errorf("create schemas: %w", err)
	}
	if err := createFunctionTable(ctx, m.tx); err != nil {
		return err
	}
	changed, err := changedFunctions(ctx, m.tx, m.set.Name, m.functions)
	if err != nil {
		return err
	}
	first := slices.DeleteFunc(changed, func(f functionFile) bool { return !f.early })
	return createFunctions(ctx, m.tx, first)
}

// applyFunctions creates each changed function, and checks its body when all of them exist. It needs few round trips, because the
// numbered migrations have locked tables.
func (m *migration) applyFunctions(ctx context.Context) error {
	changed, err := changedFunctions(ctx, m.tx, m.set.Name, m.functions)
	if err != nil {
		return err
	}
	if err := createFunctions(ctx, m.tx, changed); err != nil {
		return err
	}
	if err := checkBodies(ctx, m.tx, changed); err != nil {
		return err
	}
	m.done.Functions = namesOf(changed)
	return recordFunctions(ctx, m.tx, m.set.Name, m.functions, changed)
}

// migrate runs the new numbered migrations in the transaction, unless one of them has NO TRANSACTION.
func (m *migration) migrate(ctx context.Context) error {
	nested, err := nestedPool(m.conn)
	if err != nil {
		return err
	}
	defer nested.Close()
	provider, err := m.provider(nested)
	if err != nil {
		return err
	}
	number, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if number > latest(m.numbered) {
		return fmt.Errorf("the database has migration %d; this build only knows migration %d: upgrade %s", number, latest(m.numbered), m.set.Name)
	}
	alone := slices.ContainsFunc(m.numbered, func(f numberedFile) bool { return f.number > number && f.noTransaction })
	if alone {
		return m.migrateAlone(ctx)
	}
	results, err := provider.Up(ctx)
	m.record(results)
	return err
}

func (m *migration) record(results []*goose.MigrationResult) {
	for _, r := range results {
		m.done.Migrations = append(m.done.Migrations, r.Source.Path)
	}
}

// migrateAlone runs each new numbered migration by itself. If one fails, the earlier ones stay.
func (m *migration) migrateAlone(ctx context.Context) error {
	if err := m.tx.Commit(); err != nil {
		return err
	}
	provider, err := m.provider(m.pool)
	if err != nil {
		return err
	}
	results, failure := provider.Up(ctx)
	m.record(results)
	m.alone, m.failedAlone = m.done.Migrations, failure != nil
	if err := m.begin(ctx); err != nil || failure == nil {
		return errors.Join(failure, err)
	}
	number, err := provider.GetDBVersion(ctx)
	if err != nil {
		return errors.Join(failure, err)
	}
	if err := versionAt(m.numbered, number).publish(ctx, m.tx, m.set.Name); err != nil {
		return errors.Join(failure, err)
	}
	return errors.Join(failure, m.tx.Commit())
}

func (m *migration) provider(pool *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, pool, m.set.Files,
		goose.WithTableName("migrations."+m.set.Name), goose.WithDisableGlobalRegistry(true))
}
