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

// OutboxFacts say how mails are doing.
type OutboxFacts struct {
	Waiting, Parked int
	Oldest          time.Duration // how long the first of the waiting mails has been due; 0 for none
}

// OutboxFacts counts the mails of the outbox. Only the owner role can read them. Withheld mails, which have no recipient, are not counted.
func (d *DB) OutboxFacts(ctx context.Context) (f OutboxFacts, err error) {
	var row struct {
		Waiting, Parked int
		Seconds         float64
	}
	err = d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &row, `
			SELECT count(*) FILTER (WHERE o.parked_at IS NULL) AS waiting,
			       count(*) FILTER (WHERE o.parked_at IS NOT NULL AND o.last_error IS DISTINCT FROM 'withheld') AS parked,
			       COALESCE(extract(epoch FROM clock_timestamp() - min(o.created_at) FILTER (WHERE o.parked_at IS NULL)), 0)::double precision AS seconds
			  FROM app.outbox o WHERE o.sent_at IS NULL`)
	})
	if err != nil {
		return f, fmt.Errorf("count mails: %w", err)
	}
	return OutboxFacts{row.Waiting, row.Parked, time.Duration(max(row.Seconds, 0) * float64(time.Second))}, nil
}
