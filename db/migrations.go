package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/db/migrate"
)

//go:embed migrations/*.sql functions/*.sql subgraph/*.sql subgraph/functions/*.sql
var ownFiles embed.FS

// RolesSQL creates the database roles; see docs/deployment.md.
//
//go:embed roles.sql
var RolesSQL string

// MigrationSet is a numbered series of migrations, with the functions that they need.
type MigrationSet = migrate.Set

// OwnMigrations returns freehold's own set, which runs before all others.
func OwnMigrations() MigrationSet {
	return MigrationSet{Name: serviceSet, Files: ownSet{}, Excludes: subgraphSet}
}

// The names of the two sets of which each database has one.
const (
	serviceSet  = "freehold"
	subgraphSet = "subgraph"
)

// ownSet has the files of freehold's set, whose folder functions is beside the folder migrations.
type ownSet struct{}

func (ownSet) Open(name string) (fs.File, error) {
	if name == "functions" || strings.HasPrefix(name, "functions/") {
		return ownFiles.Open(name)
	}
	return ownFiles.Open(path.Join("migrations", name))
}

// prepareTables lets app.set_disabled hide the rows of the tables that a set has created, and exports contain them.
const prepareTables = `SELECT app.prepare_disabling(), app.prepare_export()`

func withOwn(further []MigrationSet) []MigrationSet {
	sets := append([]MigrationSet{OwnMigrations()}, further...)
	for i := range sets {
		sets[i].After = prepareTables
	}
	return sets
}

// Migrate runs the new migrations as the owner role: freehold's first, then those of each further set. See migrate.Run.
func Migrate(ctx context.Context, ownerURL string, further ...MigrationSet) error {
	_, err := NewMigrator(ownerURL, false, further...).Run(ctx)
	return err
}

// MigrationChange is what a Migrator has done to a set in a database, or what it would do.
type MigrationChange = migrate.Change

// Migrator migrates a database as the owner role.
type Migrator struct {
	Notice func(error) // gets what a migration waits for; nil ignores it

	ownerURL string
	sets     []MigrationSet
}

// NewMigrator returns a Migrator of freehold's set and of further ones, in this order. With subgraph, the database is that of a second subgraph.
func NewMigrator(ownerURL string, subgraph bool, further ...MigrationSet) *Migrator {
	if subgraph {
		return &Migrator{ownerURL: ownerURL, sets: append([]MigrationSet{SubgraphMigrations()}, further...)}
	}
	return &Migrator{ownerURL: ownerURL, sets: withOwn(further)}
}

// Run migrates, as migrate.Run does.
func (m *Migrator) Run(ctx context.Context) ([]MigrationChange, error) {
	return migrate.Run(ctx, m.ownerURL, m.Notice, m.sets...)
}

// Plan returns what Run would do.
func (m *Migrator) Plan(ctx context.Context) ([]MigrationChange, error) {
	return migrate.Plan(ctx, m.ownerURL, m.sets...)
}

// CheckVersion returns an error unless this build may serve the database. The database must have this build's migrations. It may
// have newer ones if they say that they serve this build.
func (d *DB) CheckVersion(ctx context.Context, further ...MigrationSet) error {
	return d.checkSets(ctx, append([]MigrationSet{d.own}, further...))
}

func (d *DB) checkSets(ctx context.Context, sets []MigrationSet) error {
	for _, set := range sets {
		err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error { return migrate.Check(ctx, tx.Tx, set) })
		if err != nil {
			return fmt.Errorf("check migrations of %s: %w", set.Name, err)
		}
	}
	return nil
}
