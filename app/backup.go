package app

import (
	"context"
	"errors"
	"fmt"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/backup"
)

// BackupReport is what a dump of the database would have.
type BackupReport = backup.Report

// CheckBackup reports whether a dump by the role of FREEHOLD_BACKUP_URL would be complete.
func (p *Program) CheckBackup(ctx context.Context, c Config) (BackupReport, error) {
	if c.BackupURL == "" {
		return BackupReport{}, errors.New("FREEHOLD_BACKUP_URL: required, with the URL of the backup role, freehold_backup")
	}
	tables := []string{"migrations." + db.OwnMigrations().Name}
	if p.subgraph {
		tables[0] = "migrations." + db.SubgraphMigrations().Name
	}
	for _, set := range p.Migrations() {
		tables = append(tables, "migrations."+set.Name)
	}
	report, err := backup.Check(ctx, c.BackupURL, tables)
	if err != nil {
		err = fmt.Errorf("FREEHOLD_BACKUP_URL: %w", err)
	}
	return report, err
}
