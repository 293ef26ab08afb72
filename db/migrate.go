package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql functions
var ownFiles embed.FS

// RolesSQL makes the three database roles; see docs/deployment.md.
//
//go:embed roles.sql
var RolesSQL string

// MigrationSet is a numbered series of migrations, with the functions that they need. An adopter's set has its own numbers,
// so that they never collide with those of freehold's next migrations.
type MigrationSet struct {
	Name  string // of the table in schema migrations that keeps its version
	Files fs.FS  // NNNN_name.sql at the top level, and functions/name.sql; see docs/deployment.md
}

// OwnMigrations is freehold's own set, which runs before all others.
func OwnMigrations() MigrationSet { return MigrationSet{Name: "freehold", Files: ownSet{}} }

// ownSet is the files of freehold's set: functions/ lies beside migrations/, not in it.
type ownSet struct{}

func (ownSet) Open(name string) (fs.File, error) {
	if name == "functions" || strings.HasPrefix(name, "functions/") {
		return ownFiles.Open(name)
	}
	return ownFiles.Open(path.Join("migrations", name))
}

// Migrate brings the database up to date, as the owner's role: freehold's migrations, then those of each further set.
// Several processes may migrate at once; they wait for each other. A set is migrated completely or not at all, unless one
// of its new migrations says that it takes no transaction.
func Migrate(ctx context.Context, ownerURL string, further ...MigrationSet) error {
	inner, err := newPQConnector(ownerURL)
	if err != nil {
		return errors.New("migrate: FREEHOLD_MIGRATE_URL is malformed")
	}
	pool := sql.OpenDB(&migrationConnector{pqConnector: inner, ctx: ctx})
	defer pool.Close()
	if err := checkServer(ctx, pool); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	conn, unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return fmt.Errorf("migrate: wait for other migrations: %w", err)
	}
	defer unlock()
	for _, set := range append([]MigrationSet{OwnMigrations()}, further...) {
		m := migration{set: set, pool: pool, conn: conn}
		if err := m.run(ctx); err != nil {
			return fmt.Errorf("migrate %s: %w", set.Name, err)
		}
	}
	return nil
}

// lockMigrations returns a connection that keeps other processes from migrating until it is unlocked.
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
		locker.SessionUnlock(context.WithoutCancel(ctx), conn) //nolint:errcheck // the end of the connection unlocks as well
		conn.Close()                                           //nolint:errcheck // as above
	}, nil
}

// migration is the step of one set.
type migration struct {
	set  MigrationSet
	pool *sql.DB
	conn *sql.Conn // which holds the lock

	tx        *sql.Tx
	functions []functionFile
}

func (m *migration) run(ctx context.Context) (err error) {
	if m.functions, err = readFunctions(m.set.Files); err != nil {
		return err
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer func() { m.tx.Rollback() }() //nolint:errcheck // after a commit it does nothing
	if err := m.prepare(ctx); err != nil {
		return err
	}
	version, err := m.migrate(ctx)
	if err != nil {
		return err
	}
	if err := m.applyFunctions(ctx); err != nil {
		return err
	}
	if err := publishVersion(ctx, m.tx, m.set, version); err != nil {
		return err
	}
	return m.tx.Commit()
}

// begin begins a transaction. It does not end with ctx by itself, since other users of the connection would not notice.
func (m *migration) begin(ctx context.Context) (err error) {
	m.tx, err = m.conn.BeginTx(context.WithoutCancel(ctx), nil)
	return err
}

// prepare makes what the numbered migrations need.
func (m *migration) prepare(ctx context.Context) error {
	// Nobody but the owner is granted schema migrations.
	if _, err := m.tx.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS migrations; CREATE SCHEMA IF NOT EXISTS app`); err != nil {
		return fmt.Errorf("make schemas: %w", err)
	}
	if err := makeFunctionTable(ctx, m.tx); err != nil {
		return err
	}
	changed, err := changedFunctions(ctx, m.tx, m.set.Name, m.functions)
	if err != nil {
		return err
	}
	first := slices.DeleteFunc(changed, func(f functionFile) bool { return !f.early })
	return createFunctions(ctx, m.tx, first, false)
}

// applyFunctions creates each changed function twice: at first it may call one that does not exist yet.
func (m *migration) applyFunctions(ctx context.Context) error {
	changed, err := changedFunctions(ctx, m.tx, m.set.Name, m.functions)
	if err != nil {
		return err
	}
	for _, checked := range []bool{false, true} {
		if err := createFunctions(ctx, m.tx, changed, checked); err != nil {
			return err
		}
	}
	return recordFunctions(ctx, m.tx, m.set.Name, m.functions, changed)
}

// migrate runs the new numbered migrations and returns the database's version. They are part of the transaction, unless
// one of them takes none.
func (m *migration) migrate(ctx context.Context) (int64, error) {
	inside, err := nestedPool(m.conn)
	if err != nil {
		return 0, err
	}
	defer inside.Close()
	provider, err := m.provider(inside)
	if err != nil {
		return 0, err
	}
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return 0, err
	}
	if version > latest(provider) {
		return 0, fmt.Errorf("the database has migration %d and this build knows %d: it is too old", version, latest(provider))
	}
	alone, err := takesNoTransaction(m.set.Files, provider, version)
	if err != nil {
		return 0, err
	}
	if alone {
		if err := m.tx.Commit(); err != nil {
			return 0, err
		}
		if provider, err = m.provider(m.pool); err != nil {
			return 0, err
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return 0, err
	}
	if alone {
		if err := m.begin(ctx); err != nil {
			return 0, err
		}
	}
	return latest(provider), nil
}

func (m *migration) provider(pool *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, pool, m.set.Files,
		goose.WithTableName("migrations."+m.set.Name), goose.WithDisableGlobalRegistry(true))
}

var noTransaction = regexp.MustCompile(`(?mi)^--.*\+goose\s+NO TRANSACTION\s*$`)

// takesNoTransaction says whether a migration after version is marked as one that cannot run in a transaction.
func takesNoTransaction(files fs.FS, provider *goose.Provider, version int64) (bool, error) {
	for _, source := range provider.ListSources() {
		if source.Version <= version {
			continue
		}
		text, err := fs.ReadFile(files, source.Path)
		if err != nil {
			return false, err
		}
		if noTransaction.Match(text) {
			return true, nil
		}
	}
	return false, nil
}

func latest(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	if len(sources) == 0 {
		return 0
	}
	return sources[len(sources)-1].Version
}

// publishVersion lets the app's role, which cannot read the version tables, know how far a set has come.
func publishVersion(ctx context.Context, tx *sql.Tx, set MigrationSet, version int64) error {
	comment := fmt.Sprintf(`COMMENT ON TABLE migrations.%s IS '%d'`, pq.QuoteIdentifier(set.Name), version)
	if _, err := tx.ExecContext(ctx, comment); err != nil {
		return fmt.Errorf("publish version: %w", err)
	}
	return nil
}

// CheckVersion returns an error unless the database has exactly the migrations that this build knows.
func (d *DB) CheckVersion(ctx context.Context, further ...MigrationSet) error {
	for _, set := range append([]MigrationSet{OwnMigrations()}, further...) {
		names, err := fs.Glob(set.Files, "*.sql")
		if err != nil {
			return fmt.Errorf("check migrations of %s: %w", set.Name, err)
		}
		var version int
		err = d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
			return tx.GetContext(ctx, &version, `
				SELECT COALESCE(max(obj_description(c.oid, 'pg_class')::int), 0)
				  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
				 WHERE n.nspname = 'migrations' AND c.relname = $1`, set.Name)
		})
		if err != nil {
			return fmt.Errorf("check migrations of %s: %w", set.Name, err)
		}
		if version != len(names) {
			return fmt.Errorf("the database has migration %d of %s and this build needs %d: run `freehold migrate` of the newer build, or that build itself", version, set.Name, len(names))
		}
	}
	return nil
}
