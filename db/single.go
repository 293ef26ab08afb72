package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/scan"
	"freehold.dev/freehold/db/wire"
	"freehold.dev/freehold/fault"
)

// A read takes one round trip. The statement that sets the viewer and the query are one message of the simple protocol:
//
//	EXECUTE freehold_1f…(session, …); EXECUTE freehold_9c…(…)
//
// PostgreSQL runs such a message as one transaction and stops at the first error. So the row policies know the viewer, and the
// viewer's settings end with the message.

// single says whether each statement of an attempt is a transaction of its own.
type single int

const (
	inBlock single = iota // the statements are in a block of BEGIN and COMMIT
	singleRead
	singleWrite
)

// Read runs fn, whose statements read as viewer. Each statement proves the viewer's session and takes one round trip. As with
// READ COMMITTED, each statement sees the rows that were committed when it began.
//
// fn may run several times: after a serialization failure or a lost connection, Read retries all of it. Read returns an error
// inside another transaction, and UNAUTHENTICATED with a reason if the viewer's session is revoked, expired or invalid.
func (d *DB) Read(ctx context.Context, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.singly(ctx, singleRead, viewer, fn)
}

// writeOne is Read for one statement that changes rows. The statement must be idempotent: if the connection is lost, it runs
// again, although it may have been committed.
func (d *DB) writeOne(ctx context.Context, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.singly(ctx, singleWrite, viewer, fn)
}

// readAsSystem is AsSystem for statements that only read, each in one round trip.
func (d *DB) readAsSystem(ctx context.Context, fn func(context.Context, *SystemTx) error) error {
	return d.singly(ctx, singleRead, auth.Viewer{}, func(ctx context.Context, tx *Tx) error {
		return fn(ctx, &SystemTx{tx: tx.tx})
	})
}

func (d *DB) singly(ctx context.Context, mode single, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.retrying(ctx, viewer, func(ctx context.Context) (err error, again bool) {
		this := attemptOf(ctx)
		this.single = mode
		this.deadline, _ = ctx.Deadline()
		ctx, end := d.observer.transaction(ctx)
		defer func() { end(err) }()
		err = fn(ctx, &Tx{tx: singles{d.pool, this}, Viewer: viewer})
		if err != nil && !this.connected {
			return fault.Busy(fmt.Errorf("connect: %w", err)), wire.IsLost(err)
		}
		return err, wire.MayPass(err) || errors.Is(err, errEntering) && wire.IsCut(err)
	})
}

// singles runs the statements of an attempt, with any context.
type singles struct {
	pool *sqlx.DB
	this *attempt
}

// GetContext scans the first row into dest; sql.ErrNoRows if there is none.
func (s singles) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	return s.run(ctx, query, args, func(rows driver.Rows) error { return scan.One(s.pool.Mapper, query, rows, dest) })
}

// SelectContext scans all rows into the slice that dest points to.
func (s singles) SelectContext(ctx context.Context, dest any, query string, args ...any) error {
	return s.run(ctx, query, args, func(rows driver.Rows) error { return scan.All(s.pool.Mapper, query, rows, dest) })
}

// ExecContext runs a query and discards its rows.
func (s singles) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return driver.ResultNoRows, s.run(ctx, query, args, func(driver.Rows) error { return nil })
}

// run sends a query on a connection from the pool. If an older connection turns out to be broken, it tries the next one.
func (s singles) run(ctx context.Context, query string, args []any, scan func(driver.Rows) error) error {
	for {
		c, err := s.pool.Conn(ctx)
		if err != nil {
			return err
		}
		err = c.Raw(func(raw any) error {
			rows, err := raw.(*conn).querySingle(ctx, s.this, query, args)
			if err != nil {
				return err
			}
			err = scan(rows) // closing reads to the end, where the statement is committed
			if closed := rows.Close(); err == nil || closed != nil && errors.Is(err, sql.ErrNoRows) {
				err = closed
			}
			return err
		})
		c.Close() //nolint:errcheck // it goes back to the pool, unless it is broken
		if !errors.Is(err, driver.ErrBadConn) || s.this.fresh {
			return err
		}
	}
}

// ProveSession returns nil if the viewer's session is live and theirs, else UNAUTHENTICATED with a reason.
func (d *DB) ProveSession(ctx context.Context, viewer auth.Viewer) error {
	if !viewer.IsMember() {
		return fault.SignIn(viewer.Reason)
	}
	err := d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		var userID uuid.UUID
		return tx.Get(ctx, &userID, `SELECT app.viewer_id()`)
	})
	if err != nil {
		return fmt.Errorf("prove session: %w", err)
	}
	return nil
}

// querySingle runs a query as a transaction of its own.
func (c *conn) querySingle(ctx context.Context, this *attempt, query string, args []any) (_ driver.Rows, err error) {
	this.fresh = len(c.persisted) == 0
	end := c.connector.observer.statement(ctx, query)
	defer func() {
		this.connected = !errors.Is(err, driver.ErrBadConn) // otherwise the pool tries another connection
		end(err)
	}()
	longest := c.awaitSingle(this)
	enter := this.entering(ctx, longest, min(longest, enterTimeout))
	c.connector.observer.query(enter.query)
	c.connector.observer.query(query)
	mode := ""
	if this.single == singleWrite {
		mode = "SET TRANSACTION READ WRITE; " // an error on a standby
	}
	rows, err := c.exchange(ctx, this, mode, min(longest, enterTimeout), enter, call{query, args})
	if wire.IsStale(err) || wire.IsLost(err) {
		c.dropped = true
	}
	return rows, c.elsewhere(err)
}

// exchange runs calls as one message and returns the rows of the last. If a pooler has lost the prepared statements, it sends
// their text instead.
func (c *conn) exchange(ctx context.Context, this *attempt, mode string, wait time.Duration, calls ...call) (driver.Rows, error) {
	for {
		text, err := c.message(ctx, wait, calls...)
		if err != nil {
			return nil, err
		}
		rows, err := c.send(ctx, this, mode+text)
		if !c.losesNames(err) {
			return rows, err
		}
	}
}

// send runs a message and returns the rows of its last statement.
func (c *conn) send(ctx context.Context, this *attempt, text string) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, text, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEntering, err)
	}
	if err := this.hasEntered(rows); err != nil {
		rows.Close() //nolint:errcheck // the error is known already
		return nil, err
	}
	next, ok := rows.(driver.RowsNextResultSet)
	if !ok || !next.HasNextResultSet() { // the statement returns no rows
		return noRows{}, rows.Close()
	}
	return rows, next.NextResultSet()
}

type noRows struct{}

func (noRows) Columns() []string { return nil }

func (noRows) Close() error { return nil }

func (noRows) Next([]driver.Value) error { return io.EOF }

// hasEntered checks the row of the statement that sets the viewer, and reads to the end of its result.
func (a *attempt) hasEntered(rows driver.Rows) error {
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return fmt.Errorf("%w: %w", errEntering, err)
	}
	if a.viewer.IsMember() {
		text, _ := row[0].([]byte)
		if userID, err := uuid.ParseBytes(text); err != nil || userID != a.viewer.UserID {
			return fmt.Errorf("%w: the session belongs to another user: %w", errEntering, fault.SignIn(fault.Invalid))
		}
	}
	a.entered = true
	switch err := rows.Next(nil); { // the next statement may have failed already
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errors.New("the statement that sets the viewer returned two rows")
	default:
		return err
	}
}

// awaitSingle sets the deadline of one statement and returns the statement's timeout. It leaves time to try another connection if
// the server does not answer.
func (c *conn) awaitSingle(this *attempt) time.Duration {
	longest := c.connector.statement
	if !this.deadline.IsZero() {
		longest = min(longest, time.Until(this.deadline)/2)
	}
	c.socket.Allow(time.Now().Add(longest+wire.Grace), true)
	return max(time.Millisecond, longest)
}
