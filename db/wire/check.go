package wire

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"
)

// Unsuitable is the error of a server, or of a pooler in front of it, that answers, but not as freehold needs.
type Unsuitable struct{ Reason string }

func (u *Unsuitable) Error() string { return u.Reason }

var errPooler = &Unsuitable{"the pooler in front of the database loses prepared statements: connect to the database directly, or use PgBouncer 1.21 or later with max_prepared_statements above 0"}

// Check returns an error unless the database stores UTF-8, and a pooler in front of it keeps prepared statements. The pool must allow
// two connections.
func Check(ctx context.Context, pool *sql.DB) error {
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
	return onConnection(ctx, pool, func(first Conn) error {
		if err := checkEncoding(ctx, first); err != nil {
			return err
		}
		return onConnection(ctx, pool, func(second Conn) error { return checkStatements(ctx, first, second) })
	})
}

// onConnection runs fn with a connection of lib/pq, without the pool's additions.
func onConnection(ctx context.Context, pool *sql.DB, fn func(Conn) error) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it goes back to the pool
	return c.Raw(func(raw any) error {
		if wrapped, ok := raw.(interface{ Unwrap(context.Context) Conn }); ok {
			raw = wrapped.Unwrap(ctx)
		}
		full, ok := raw.(Conn)
		if !ok {
			return fmt.Errorf("lib/pq's %T has lost an interface that the pool needs", raw)
		}
		return fn(full)
	})
}

func checkEncoding(ctx context.Context, c Conn) error {
	for setting, hint := range map[string]string{
		"server_encoding": "create the database again with ENCODING 'UTF8' TEMPLATE template0",
		"client_encoding": "remove client_encoding from the URL, and from the settings of the pooler and the role",
	} {
		encoding, err := Ask(ctx, c, `SHOW `+setting)
		if err != nil {
			return err
		}
		if encoding != "UTF8" {
			return &Unsuitable{fmt.Sprintf("the database's %s is %s, but freehold needs UTF8: %s", setting, encoding, hint)}
		}
	}
	return nil
}

// checkStatements checks that a pooler keeps the prepared statements of two connections apart. If both run in one server process,
// each prepares a statement there. lib/pq numbers statements, so both have the same name.
//
// A pooler usually reuses the process that was used last. Some take turns, so there are several rounds.
func checkStatements(ctx context.Context, first, second Conn) error {
	const rounds = 4
	mine, err := first.PrepareContext(ctx, `SELECT 'first'`)
	if err != nil {
		return statementsLost(err)
	}
	defer mine.Close() //nolint:errcheck // the answer has arrived
	for range rounds {
		home, err := Ask(ctx, first, `SELECT pg_backend_pid()`)
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
func borrow(ctx context.Context, c Conn, home string) (shared bool, err error) {
	tx, err := c.BeginTx(ctx, driver.TxOptions{ReadOnly: true})
	if err != nil {
		return false, fmt.Errorf("begin a transaction (a pooler must not use statement mode): %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	process, err := Ask(ctx, c, `SELECT pg_backend_pid()`)
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
	rows, err := stmt.(Stmt).QueryContext(ctx, nil)
	if err != nil {
		return statementsLost(err)
	}
	switch got, err := Only(rows); {
	case err != nil:
		return statementsLost(err)
	case got != want:
		return errPooler
	}
	return nil
}

func statementsLost(err error) error {
	if IsStatementLost(err) {
		return fmt.Errorf("%w (%w)", errPooler, err)
	}
	return err
}
