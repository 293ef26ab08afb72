package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Facts are what the server says about itself and the database.
type Facts struct {
	Version        int    // such as 170005
	VersionText    string `db:"version_text"`
	Now            time.Time
	Size           int64 // of the database, in bytes
	MaxConnections int   `db:"max_connections"` // without those that are reserved for superusers
}

// Facts asks the server about itself.
func (d *DB) Facts(ctx context.Context) (f Facts, err error) {
	err = d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &f, `
			SELECT current_setting('server_version_num')::integer AS version, split_part(current_setting('server_version'), ' ', 1) AS version_text,
			       clock_timestamp() AS now, pg_database_size(current_database()) AS size,
			       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer AS max_connections`)
	})
	if err != nil {
		return f, fmt.Errorf("ask the server about itself: %w", err)
	}
	return f, nil
}
