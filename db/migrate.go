package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// RolesSQL makes the three database roles; see docs/deployment.md.
//
//go:embed roles.sql
var RolesSQL string

// MigrationSet is a numbered series of migrations of its own. An adopter's set has its own numbers, so that freehold's
// next migration never collides with his.
type MigrationSet struct {
	Name  string // of the table in schema migrations that keeps its version
	Files fs.FS  // NNNN_name.sql at the top level
}

// OwnMigrations is freehold's own set, which runs before all others.
func OwnMigrations() MigrationSet {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return MigrationSet{Name: "freehold", Files: files}
}

// Migrate brings the database up to date, as the owner's role: freehold's migrations, then those of each further set.
// Several processes may migrate at once; they wait for each other.
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
	for _, set := range append([]MigrationSet{OwnMigrations()}, further...) {
		if err := migrateSet(ctx, pool, set); err != nil {
			return fmt.Errorf("migrate %s: %w", set.Name, err)
		}
	}
	return nil
}

func migrateSet(ctx context.Context, pool *sql.DB, set MigrationSet) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	if err := makeSchema(ctx, pool); err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, set.Files,
		goose.WithTableName("migrations."+set.Name), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if version > latest(provider) {
		return fmt.Errorf("the database has migration %d and this build knows %d: it is too old", version, latest(provider))
	}
	return publishVersion(ctx, pool, set, version)
}

// makeSchema makes the schema of the version tables, which nobody but the owner is granted.
func makeSchema(ctx context.Context, pool *sql.DB) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('freehold migrations'))`); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS migrations`); err != nil {
		return fmt.Errorf("make schema migrations: %w", err)
	}
	return tx.Commit()
}

func latest(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	if len(sources) == 0 {
		return 0
	}
	return sources[len(sources)-1].Version
}

// publishVersion lets the app's role, which cannot read the version tables, know how far a set has come.
func publishVersion(ctx context.Context, pool *sql.DB, set MigrationSet, version int64) error {
	comment := fmt.Sprintf(`COMMENT ON TABLE migrations.%s IS '%d'`, pq.QuoteIdentifier(set.Name), version)
	if _, err := pool.ExecContext(ctx, comment); err != nil {
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
