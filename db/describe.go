package db

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/db/migrate"
)

// Description says which database this is. It contains no secret.
type Description struct {
	Name    string // of the database
	Address string // of the server, as it sees itself; "" on a Unix socket
	Version string // of PostgreSQL
	// Migrations has the number of the newest migration of each set.
	Migrations map[string]int64 `db:"-"`
}

// Describe asks the database what it is. The sets are those that the program adds to freehold's own.
func (d *DB) Describe(ctx context.Context, further ...MigrationSet) (s Description, err error) {
	err = d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		s = Description{Migrations: map[string]int64{}}
		if err := tx.GetContext(ctx, &s, `
			SELECT current_database() AS name, split_part(current_setting('server_version'), ' ', 1) AS version,
			       COALESCE(host(inet_server_addr()) || ':' || inet_server_port(), '') AS address`); err != nil {
			return err
		}
		for _, set := range append([]MigrationSet{d.own}, further...) {
			if s.Migrations[set.Name], err = migrate.Number(ctx, tx.Tx, set.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Description{}, fmt.Errorf("ask the database what it is: %w", err)
	}
	return s, nil
}
