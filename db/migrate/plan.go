package migrate

import (
	"context"
	"database/sql"
	"fmt"
)

// Change is what a run has done to a set in a database, or what it would do.
type Change struct {
	Set        string
	From       int64    // the database's latest migration before; 0 for none
	Build      int64    // this build's latest migration
	Serves     int64    // the oldest build that may serve the database as it was before, by its latest migration; 0 for an empty database
	Migrations []string // the names of the new files
	Functions  []string // the names of the new or changed functions
}

// None reports whether there is nothing to do.
func (c Change) None() bool { return len(c.Migrations) == 0 && len(c.Functions) == 0 }

// Plan returns what Run would do, without changing anything. It connects as the owner role.
func Plan(ctx context.Context, ownerURL string, sets ...Set) ([]Change, error) {
	pool, err := connect(ctx, ownerURL)
	if err != nil {
		return nil, fmt.Errorf("plan migrations: %w", err)
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("plan migrations: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	changes := make([]Change, 0, len(sets))
	for _, set := range sets {
		c, err := set.plan(ctx, tx)
		if err != nil {
			return nil, fmt.Errorf("plan migrations of %s: %w", set.Name, explained(err))
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (s Set) plan(ctx context.Context, tx *sql.Tx) (Change, error) {
	numbered, err := readNumbered(s.Files)
	if err != nil {
		return Change{}, err
	}
	functions, err := readFunctions(s.Files)
	if err != nil {
		return Change{}, err
	}
	if err := s.checkExcluded(ctx, tx); err != nil {
		return Change{}, err
	}
	v, err := published(ctx, tx, s.Name)
	if err != nil {
		return Change{}, err
	}
	c := Change{Set: s.Name, From: v.number, Build: latest(numbered), Serves: v.serves}
	if v.number > c.Build { // a newer build has migrated
		return c, nil
	}
	for _, f := range numbered {
		if f.number > v.number {
			c.Migrations = append(c.Migrations, f.name)
		}
	}
	var exists bool
	if err := tx.QueryRowContext(ctx, `SELECT to_regclass('migrations.function_files') IS NOT NULL`).Scan(&exists); err != nil {
		return Change{}, fmt.Errorf("look for the table of functions: %w", err)
	}
	if exists {
		if functions, err = changedFunctions(ctx, tx, s.Name, functions); err != nil {
			return Change{}, err
		}
	}
	c.Functions = namesOf(functions)
	return c, nil
}

func namesOf(functions []functionFile) (names []string) {
	for _, f := range functions {
		names = append(names, f.name)
	}
	return names
}
