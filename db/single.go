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
	"freehold.dev/freehold/fault"
)

// A statement that is a transaction of its own takes one trip. It goes out as one message of the simple protocol, behind the
// statement that enters:
//
//	EXECUTE freehold_1f…(session, …); EXECUTE freehold_9c…(…)
//
// PostgreSQL runs such a message as one transaction, and stops at the first error. So the row policies know the viewer, and
// what entering has set ends with the message.

// single says that each statement of an attempt is a transaction of its own.
type single int

const (
	inBlock single = iota // the statements are in a block of BEGIN and COMMIT
	singleRead
	singleWrite
)

// Read runs fn, whose statements read as viewer. Each statement proves the viewer's session and takes one trip. As in a
// transaction of READ COMMITTED, each sees what is committed when it begins.
//
// fn may run several times: after a serialization failure or a lost connection all of it is tried again. A transaction inside
// another is refused. The error of a viewer whose session has ended is UNAUTHENTICATED with its reason.
func (d *DB) Read(ctx context.Context, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.singly(ctx, singleRead, viewer, fn)
}

// writeOne is Read for one statement that changes rows. If the connection is lost the statement runs again, though it may
// have been committed. So it must be one that may run twice.
func (d *DB) writeOne(ctx context.Context, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.singly(ctx, singleWrite, viewer, fn)
}

// readAsSystem is AsSystem for statements that change nothing, each in one trip.
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
			return fault.Busy(fmt.Errorf("connect: %w", err)), isLost(err)
		}
		return err, mayPass(err) || errors.Is(err, errEntering) && isCut(err)
	})
}

// singles runs the statements of an attempt, whatever context they come with.
type singles struct {
	pool *sqlx.DB
	this *attempt
}

// GetContext scans the first row into dest; sql.ErrNoRows when there is none.
func (s singles) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	return s.run(ctx, query, args, func(rows driver.Rows) error { return scanOne(s.pool.Mapper, query, rows, dest) })
}

// SelectContext scans all rows into the slice that dest points to.
func (s singles) SelectContext(ctx context.Context, dest any, query string, args ...any) error {
	return s.run(ctx, query, args, func(rows driver.Rows) error { return scanAll(s.pool.Mapper, query, rows, dest) })
}

// ExecContext runs a function that returns nothing of interest.
func (s singles) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return driver.ResultNoRows, s.run(ctx, query, args, func(driver.Rows) error { return nil })
}

// run sends a query on a connection of the pool, or on another if that one turns out to be broken, but was not when it was new.
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
			err = scan(rows) // closing reads on to the end, where the statement is committed
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

// ProveSession returns nil if the session of a viewer lives and is the viewer's; else UNAUTHENTICATED with its reason.
func (d *DB) ProveSession(ctx context.Context, viewer auth.Viewer) error {
	if !viewer.IsMember() {
		return fault.SignIn(viewer.Reason)
	}
	err := d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		var userID uuid.UUID
		return tx.Get(ctx, &userID, `SELECT app.viewer_id()`)
	})
	if err != nil {
		return fmt.Errorf("prove a session: %w", err)
	}
	return nil
}

// querySingle runs a query of an attempt whose statements are transactions of their own.
func (c *conn) querySingle(ctx context.Context, this *attempt, query string, args []any) (_ driver.Rows, err error) {
	this.fresh = len(c.persisted) == 0
	end := c.connector.observer.statement(ctx, query)
	defer func() {
		this.connected = !errors.Is(err, driver.ErrBadConn) // else the pool tries another connection
		end(err)
	}()
	longest := c.awaitSingle(this)
	enter := this.entering(ctx, longest, min(longest, enterTimeout))
	c.connector.observer.query(enter.query)
	c.connector.observer.query(query)
	mode := ""
	if this.single == singleWrite {
		mode = "SET TRANSACTION READ WRITE; " // a standby refuses it
	}
	rows, err := c.exchange(ctx, this, mode, min(longest, enterTimeout), enter, call{query, args})
	if isStale(err) || isLost(err) {
		c.dropped = true
	}
	return rows, c.elsewhere(err)
}

// exchange runs calls as one message, and returns the rows of the last. If a pooler has lost the names of statements, it sends their
// text.
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
	rows, err := c.pqConn.QueryContext(ctx, text, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEntering, err)
	}
	if err := this.hasEntered(rows); err != nil {
		rows.Close() //nolint:errcheck // the error is known already
		return nil, err
	}
	next, ok := rows.(driver.RowsNextResultSet)
	if !ok || !next.HasNextResultSet() { // of a statement without rows
		return noRows{}, rows.Close()
	}
	return rows, next.NextResultSet()
}

type noRows struct{}

func (noRows) Columns() []string { return nil }

func (noRows) Close() error { return nil }

func (noRows) Next([]driver.Value) error { return io.EOF }

// hasEntered checks the row of the statement that enters, and goes on to the end of it.
func (a *attempt) hasEntered(rows driver.Rows) error {
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return fmt.Errorf("%w: %w", errEntering, err)
	}
	if a.viewer.IsMember() {
		text, _ := row[0].([]byte)
		if userID, err := uuid.ParseBytes(text); err != nil || userID != a.viewer.UserID {
			return fmt.Errorf("%w: the session is another user's: %w", errEntering, fault.SignIn(fault.Invalid))
		}
	}
	a.entered = true
	switch err := rows.Next(nil); { // the next statement may have failed already
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errors.New("the statement that enters returned two rows")
	default:
		return err
	}
}

// awaitSingle gives the server the time of one statement to answer, and returns how long it may work. If the server is silent,
// there is time left to try another connection.
func (c *conn) awaitSingle(this *attempt) time.Duration {
	longest := c.connector.statement
	if !this.deadline.IsZero() {
		longest = min(longest, time.Until(this.deadline)/2)
	}
	c.socket.allow(time.Now().Add(longest+socketGrace), clock())
	return max(time.Millisecond, longest)
}
