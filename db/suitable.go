package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/wire"
)

// ErrReadOnly means that the database accepts no writes: it is a standby, or read-only by its settings.
var ErrReadOnly = errors.New("the database is read-only")

// Ready returns an error unless the database answers and accepts writes.
func (d *DB) Ready(ctx context.Context) error {
	var readOnly bool
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &readOnly, `SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean`)
	})
	switch {
	case err != nil:
		return fmt.Errorf("query the database: %w", err)
	case readOnly:
		return ErrReadOnly
	}
	return nil
}

// IsUnsuitable reports whether CheckServer has got answers, but not those that freehold needs.
func IsUnsuitable(err error) bool {
	_, is := errors.AsType[*wire.Unsuitable](err)
	return is
}

// inspect runs fn in a read-only transaction of the service itself, which also works on a standby.
func (d *DB) inspect(ctx context.Context, fn func(context.Context, *sqlx.Tx) error) error {
	return d.transact(ctx, &sql.TxOptions{ReadOnly: true}, auth.Viewer{}, fn)
}

// CheckServer returns an error unless the database stores UTF-8, a pooler in front of it keeps prepared statements, and each message
// has a viewer of its own. Call it before any other query, whose result may be wrong. It uses two of the pool's connections.
func (d *DB) CheckServer(ctx context.Context) error {
	err := wire.Check(ctx, d.pool.DB)
	if err == nil {
		err = d.checkMessages(ctx)
	}
	if err != nil {
		return fmt.Errorf("check the DATABASE_URL database: %w", err)
	}
	return nil
}

// checkMessages sends messages of two members and an anonymous viewer in turn on one connection. Each must see its own viewer.
func (d *DB) checkMessages(ctx context.Context) error {
	const become, who = `SELECT set_config('app.viewer_id', $1, true)`, `SELECT COALESCE(current_setting('app.viewer_id', true), '')`
	c, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it goes back to the pool
	return c.Raw(func(raw any) error {
		c := raw.(*conn)
		c.await(ctx, c.connector.statement)
		ann, bob := uuid.NewString(), uuid.NewString()
		for _, viewer := range []string{ann, bob, "", bob, ann, ""} {
			calls := []call{{become, []any{viewer}}, {who, nil}}
			if viewer == "" {
				calls[0] = (&attempt{single: singleRead}).entering(ctx, c.connector.statement, enterTimeout)
			}
			rows, err := c.exchange(ctx, &attempt{single: singleRead}, "", enterTimeout, calls...)
			if err != nil {
				return fmt.Errorf("send two statements as one message: %w", err)
			}
			seen, err := wire.Only(rows)
			if err != nil {
				return fmt.Errorf("read the result of two statements: %w", err)
			}
			if seen != viewer {
				return &wire.Unsuitable{Reason: "a message ran with the viewer of another message"}
			}
		}
		return nil
	})
}
