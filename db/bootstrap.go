package db

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"
)

// Roles by their names; see RolesSQL.
const (
	OwnerRole = "freehold_owner"
	AppRole   = "freehold_app"
)

// Bootstrap prepares a private cluster as its superuser: the roles, with one password, and the database. It can run
// again and again. Clusters of one's own are prepared by hand; see docs/deployment.md.
func Bootstrap(ctx context.Context, superuser *sql.DB, database, password string) error {
	if _, err := superuser.ExecContext(ctx, RolesSQL); err != nil {
		return fmt.Errorf("make roles: %w", err)
	}
	for _, role := range []string{OwnerRole, AppRole} {
		statement := fmt.Sprintf(`ALTER ROLE %s PASSWORD %s`, pq.QuoteIdentifier(role), pq.QuoteLiteral(password))
		if _, err := superuser.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("set the password of %s: %w", role, err)
		}
	}
	return makeDatabase(ctx, superuser, database)
}

func makeDatabase(ctx context.Context, superuser *sql.DB, database string) error {
	name := pq.QuoteIdentifier(database)
	statements := []string{`REVOKE ALL ON DATABASE ` + name + ` FROM PUBLIC`, `GRANT CONNECT ON DATABASE ` + name + ` TO ` + AppRole}
	var exists bool
	err := superuser.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", database, err)
	}
	if !exists {
		statements = append([]string{`CREATE DATABASE ` + name + ` OWNER ` + OwnerRole}, statements...)
	}
	for _, statement := range statements {
		if _, err := superuser.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make database %s: %w", database, err)
		}
	}
	return nil
}
