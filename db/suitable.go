package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
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

// inspect runs fn in a read-only transaction of the service itself, which also works on a standby.
func (d *DB) inspect(ctx context.Context, fn func(context.Context, *sqlx.Tx) error) error {
	return d.transact(ctx, &sql.TxOptions{ReadOnly: true}, auth.Viewer{}, fn)
}

// CheckServer returns an error unless the database stores UTF-8, a pooler in front of it keeps prepared statements, and each message
// has a viewer of its own. Call it before any other query, whose result may be wrong. It uses two of the pool's connections.
func (d *DB) CheckServer(ctx context.Context) error {
	err := checkServer(ctx, d.pool.DB)
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
			seen, err := only(rows)
			if err != nil {
				return fmt.Errorf("read the result of two statements: %w", err)
			}
			if seen != viewer {
				return errors.New("a message ran with the viewer of another message")
			}
		}
		return nil
	})
}

var errPooler = errors.New("the pooler in front of the database loses prepared statements: connect to the database directly, or use PgBouncer 1.21 or later with max_prepared_statements above 0")

func checkServer(ctx context.Context, pool *sql.DB) error {
	const timeout, attempts = 10 * time.Second, 3
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for n := 1; ; n++ {
		err := tryServer(ctx, pool)
		if n == attempts || !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

func tryServer(ctx context.Context, pool *sql.DB) error {
	return onConnection(ctx, pool, func(first pqConn) error {
		if err := checkEncoding(ctx, first); err != nil {
			return err
		}
		return onConnection(ctx, pool, func(second pqConn) error { return checkStatements(ctx, first, second) })
	})
}

// onConnection runs fn with a connection of lib/pq, without the pool's additions.
func onConnection(ctx context.Context, pool *sql.DB, fn func(pqConn) error) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it goes back to the pool
	return c.Raw(func(raw any) error {
		if ours, ok := raw.(*conn); ok {
			ours.await(ctx, time.Hour)
			raw = ours.pqConn
		}
		full, ok := raw.(pqConn)
		if !ok {
			return fmt.Errorf("lib/pq's %T has lost an interface that the pool needs", raw)
		}
		return fn(full)
	})
}

func checkEncoding(ctx context.Context, c pqConn) error {
	for setting, hint := range map[string]string{
		"server_encoding": "create the database again with ENCODING 'UTF8' TEMPLATE template0",
		"client_encoding": "remove client_encoding from the URL, and from the settings of the pooler and the role",
	} {
		encoding, err := ask(ctx, c, `SHOW `+setting)
		if err != nil {
			return err
		}
		if encoding != "UTF8" {
			return fmt.Errorf("the database's %s is %s, but freehold needs UTF8: %s", setting, encoding, hint)
		}
	}
	return nil
}

// checkStatements checks that a pooler keeps the prepared statements of two connections apart. If both run in one server process,
// each prepares a statement there. lib/pq numbers statements, so both have the same name.
//
// A pooler usually reuses the process that was used last. Some take turns, so there are several rounds.
func checkStatements(ctx context.Context, first, second pqConn) error {
	const rounds = 4
	mine, err := first.PrepareContext(ctx, `SELECT 'first'`)
	if err != nil {
		return statementsLost(err)
	}
	defer mine.Close() //nolint:errcheck // the answer has arrived
	for range rounds {
		home, err := ask(ctx, first, `SELECT pg_backend_pid()`)
		if err != nil {
			return err
		}
		shared, err := borrow(ctx, second, home)
		if err != nil {
			return err
		}
		if err := expectAnswer(ctx, mine, "first"); err != nil {
			return err
		}
		if shared {
			return nil // each connection has found its own statement
		}
	}
	return nil
}

// borrow begins a transaction, and prepares a statement in it if it runs in the server process home.
func borrow(ctx context.Context, c pqConn, home string) (shared bool, err error) {
	tx, err := c.BeginTx(ctx, driver.TxOptions{ReadOnly: true})
	if err != nil {
		return false, fmt.Errorf("begin a transaction (a pooler must not use statement mode): %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	process, err := ask(ctx, c, `SELECT pg_backend_pid()`)
	if err != nil || process != home {
		return false, err
	}
	theirs, err := c.PrepareContext(ctx, `SELECT 'second'`)
	if err != nil {
		return true, statementsLost(err)
	}
	defer theirs.Close() //nolint:errcheck // the answer has arrived
	return true, expectAnswer(ctx, theirs, "second")
}

func expectAnswer(ctx context.Context, stmt driver.Stmt, want string) error {
	rows, err := stmt.(pqStmt).QueryContext(ctx, nil)
	if err != nil {
		return statementsLost(err)
	}
	switch got, err := only(rows); {
	case err != nil:
		return statementsLost(err)
	case got != want:
		return errPooler
	}
	return nil
}

func statementsLost(err error) error {
	if isStatementLost(err) {
		return fmt.Errorf("%w (%w)", errPooler, err)
	}
	return err
}

// ask runs a query without parameters, which lib/pq does not prepare, and returns its only value.
func ask(ctx context.Context, c pqConn, query string) (string, error) {
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	return only(rows)
}

func only(rows driver.Rows) (string, error) {
	value := make([]driver.Value, 1)
	err := rows.Next(value)
	if errors.Is(err, io.EOF) {
		err = errors.New("a query returned no row; want one")
	}
	text := fmt.Sprint(value[0])
	if raw, ok := value[0].([]byte); ok {
		text = string(raw)
	}
	return text, errors.Join(err, rows.Close()) // lib/pq's rows must be closed only once
}
