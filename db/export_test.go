package db

import "context"

// Tests migrate and check sets that stand for freehold's own.

func MigrateSet(ctx context.Context, ownerURL string, set MigrationSet) error {
	return migrateSets(ctx, ownerURL, []MigrationSet{set})
}

func (d *DB) CheckSet(ctx context.Context, set MigrationSet) error {
	return d.checkSets(ctx, []MigrationSet{set})
}
