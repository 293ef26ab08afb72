package operate

import (
	"context"
	"errors"
	"fmt"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/backup"
)

// CheckBackup reports whether a dump by the role of FREEHOLD_BACKUP_URL would be complete.
func CheckBackup(ctx context.Context, p *app.Program, c config.Config) (backup.Report, error) {
	if c.BackupURL == "" {
		return backup.Report{}, errors.New("FREEHOLD_BACKUP_URL: required, with the URL of the backup role, freehold_backup")
	}
	tables := []string{"migrations." + db.OwnMigrations().Name}
	if p.IsSubgraph() {
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
