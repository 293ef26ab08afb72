package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// SubgraphMigrations returns the set of a database of a second subgraph, which runs before all others there. Its tables refer to
// users whose accounts another service has.
func SubgraphMigrations() MigrationSet {
	return MigrationSet{Name: subgraphSet, Files: subgraphFiles{}, Excludes: serviceSet}
}

// MigrateSubgraph is Migrate for the database of a second subgraph.
func MigrateSubgraph(ctx context.Context, ownerURL string, further ...MigrationSet) error {
	_, err := NewMigrator(ownerURL, true, further...).Run(ctx)
	return err
}

// HasAccounts reports whether the database has accounts. That of a second subgraph has none.
func (d *DB) HasAccounts() bool { return d.own.Name == serviceSet }

// sharedFunctions are functions of folder functions that need no accounts. A database of a second subgraph has them too, and those that
// are created before the tables.
var sharedFunctions = []string{"client_device", "client_ip", "count_attempt", "purge"}

// subgraphFiles has the files of folder subgraph, and the shared functions among its own.
type subgraphFiles struct{}

func (subgraphFiles) Open(name string) (fs.File, error) {
	if isShared(name) {
		return ownFiles.Open(name)
	}
	return ownFiles.Open(path.Join("subgraph", name))
}

func (subgraphFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := ownFiles.ReadDir(path.Join("subgraph", name))
	if err != nil || name != "functions" {
		return entries, err
	}
	all, err := ownFiles.ReadDir(name)
	for _, e := range all {
		if isShared(path.Join(name, e.Name())) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// isShared reports whether a file is that of a function which both kinds of database have.
func isShared(name string) bool {
	dir, file := path.Split(name)
	if dir != "functions/" {
		return false
	}
	if _, err := fs.Stat(ownFiles, path.Join("subgraph", name)); err == nil {
		return false // a subgraph has another text of it
	}
	text, err := ownFiles.ReadFile(name)
	return err == nil && (slices.Contains(sharedFunctions, strings.TrimSuffix(file, ".sql")) || strings.Contains(string(text), "\n-- Created: before the tables\n"))
}

// Forget deletes everything that belongs to a user from the database of a second subgraph, as the owner role, and reports whether
// there was such a user. For a day, tokens of the user enter no transaction: they are valid for half of that at most.
func Forget(ctx context.Context, ownerURL string, userID uuid.UUID) (found bool, err error) {
	connector, err := pq.NewConnector(ownerURL)
	if err != nil {
		return false, errors.New("forget: FREEHOLD_MIGRATE_URL is malformed") // pq's error may quote the password
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	if err := pool.QueryRowContext(ctx, `SELECT app.forget_user($1)`, userID).Scan(&found); err != nil {
		return false, fmt.Errorf("forget user %s: %w", userID, err)
	}
	return found, nil
}
