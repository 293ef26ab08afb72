package db

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"
)

// The names of the roles; see RolesSQL.
const (
	OwnerRole  = "freehold_owner"
	AppRole    = "freehold_app"
	BackupRole = "freehold_backup"
)

// Bootstrap creates the roles, with one password, and the database in a private cluster. It connects as the superuser and is
// idempotent. For other clusters, see docs/deployment.md.
func Bootstrap(ctx context.Context, superuser *sql.DB, database, password string) error {
	if _, err := superuser.ExecContext(ctx, RolesSQL); err != nil {
		return fmt.Errorf("create roles: %w", err)
	}
	for _, role := range []string{OwnerRole, AppRole, BackupRole} {
		statement := fmt.Sprintf(`ALTER ROLE %s PASSWORD %s`, pq.QuoteIdentifier(role), pq.QuoteLiteral(password))
		if _, err := superuser.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("set the password of %s: %w", role, err)
		}
	}
	return createDatabase(ctx, superuser, database)
}

func createDatabase(ctx context.Context, superuser *sql.DB, database string) error {
	name := pq.QuoteIdentifier(database)
	statements := []string{`REVOKE ALL ON DATABASE ` + name + ` FROM PUBLIC`, `GRANT CONNECT ON DATABASE ` + name + ` TO ` + AppRole + `, ` + BackupRole}
	var exists bool
	err := superuser.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("find database %s: %w", database, err)
	}
	if !exists {
		statements = append([]string{`CREATE DATABASE ` + name + ` OWNER ` + OwnerRole}, statements...)
	}
	for _, statement := range statements {
		if _, err := superuser.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create database %s: %w", database, err)
		}
	}
	return nil
}
