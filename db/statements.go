package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"freehold.dev/freehold/db/wire"
)

// maxStatements limits the prepared statements of a connection. Queries are literals, so only a mistake can reach the limit, which
// protects the server's memory.
const maxStatements = 256

// How long the database may take for statements that should be fast.
const (
	beginTimeout = 1500 * time.Millisecond // for BEGIN and ROLLBACK, which wait for no lock
	enterTimeout = beginTimeout * 2 / 3    // for the statement that sets the viewer
)

var errTooMany = errors.New("too many distinct queries: queries must be constants")

// connector opens connections that prepare each query once and reuse it: lib/pq alone takes two round trips for every query with
// arguments. (DB.Prepare of database/sql would ask the pool for a second connection during a transaction.)
type connector struct {
	*wire.Connector
	statement time.Duration // timeout of each
	observer  Observer
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, socket, err := c.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner, socket: socket, connector: c, statements: map[string]wire.Stmt{}, persisted: map[string]bool{}}, nil
}

type conn struct {
	wire.Conn
	socket     *wire.Socket
	connector  *connector
	statements map[string]wire.Stmt
	dropped    bool            // the connection must not be used again
	persisted  map[string]bool // by name: the statements prepared with PREPARE; see message
	inlines    bool            // whether messages contain the queries instead of names
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	end := c.connector.observer.statement(ctx, query)
	defer func() { end(err) }()
	c.await(ctx, c.connector.statement)
	stmt, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.handle(query, err)
	}
	rows, err := stmt.QueryContext(ctx, args)
	return rows, c.handle(query, err)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	end := c.connector.observer.statement(ctx, query)
	defer func() { end(err) }()
	c.await(ctx, c.connector.statement)
	stmt, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.handle(query, err)
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.handle(query, err)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.await(ctx, c.connector.statement)
	return c.Conn.PrepareContext(ctx, query)
}

func (c *conn) Ping(ctx context.Context) error {
	c.await(ctx, beginTimeout)
	return c.Conn.Ping(ctx)
}

// elsewhere makes database/sql retry on another connection if this one broke before it ran a statement.
func (c *conn) elsewhere(err error) error {
	if err == nil || pq.As(err) != nil || !c.socket.Broken() || errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
}

// ResetSession returns driver.ErrBadConn for a connection that is broken or suspect.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.dropped || c.socket.Suspect() {
		return driver.ErrBadConn
	}
	return c.Conn.ResetSession(ctx)
}

// IsValid reports whether the connection may go back to the pool.
func (c *conn) IsValid() bool { return !c.dropped && !c.socket.Broken() && c.Conn.IsValid() }

// Close closes the connection, and tells the server if it still answers.
func (c *conn) Close() error {
	c.socket.Allow(time.Now().Add(wire.Grace), false)
	return c.Conn.Close()
}

// await sets the deadline for the server's answer: the end of ctx, but at most longest.
func (c *conn) await(ctx context.Context, longest time.Duration) {
	conclusive, until := true, time.Now().Add(longest)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		conclusive, until = false, deadline
	}
	c.socket.Allow(until.Add(wire.Grace), conclusive)
}

// awaitBegin sets the deadline for the answer to BEGIN. It returns a shorter timeout for the statements sent together with BEGIN, so
// that the server's error arrives before the deadline.
func (c *conn) awaitBegin(ctx context.Context) time.Duration {
	const least = 250 * time.Millisecond // on a busy machine, a healthy server may take as long
	longest := beginTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if left < least {
			c.await(ctx, left)
			return left
		}
		longest = min(longest, max(least, left/3))
	}
	c.socket.Allow(time.Now().Add(longest), true)
	return min(c.connector.statement, longest*2/3)
}

// Unwrap returns lib/pq's connection, with a deadline for some statements in a row.
func (c *conn) Unwrap(ctx context.Context) wire.Conn {
	c.await(ctx, time.Hour)
	return c.Conn
}

// tx gives COMMIT and ROLLBACK, which take no context, the deadline of their transaction.
type tx struct {
	driver.Tx
	conn *conn
	ctx  context.Context //nolint:containedctx // database/sql passes none to Commit and Rollback
}

func (t *tx) Commit() error {
	t.conn.connector.observer.query("COMMIT")
	t.conn.await(t.ctx, t.conn.connector.statement)
	return t.Tx.Commit()
}

// Rollback closes the connection if its context has ended: a request to cancel a statement may be on its way, and must not cancel
// another one.
func (t *tx) Rollback() error {
	t.conn.connector.observer.query("ROLLBACK")
	if err := t.ctx.Err(); err != nil {
		t.conn.dropped = true
		return err
	}
	t.conn.await(t.ctx, beginTimeout)
	return t.Tx.Rollback()
}

// prepared returns the prepared statement of a query.
func (c *conn) prepared(ctx context.Context, query string, args []driver.NamedValue) (wire.Stmt, error) {
	c.connector.observer.query(query)
	stmt, ok := c.statements[query]
	if !ok {
		var err error
		if stmt, err = c.prepare(ctx, query); err != nil {
			return nil, err
		}
	}
	if n := stmt.NumInput(); n != len(args) { // lib/pq's error has no type of its own
		return nil, fmt.Errorf("%w: it takes %d parameters, got %d", wire.ErrStatementLost, n, len(args))
	}
	return stmt, nil
}

func (c *conn) prepare(ctx context.Context, query string) (wire.Stmt, error) {
	if len(c.statements) >= maxStatements {
		return nil, errTooMany
	}
	prepared, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(wire.Stmt)
	if !ok {
		return nil, fmt.Errorf("lib/pq's %T lacks an interface that the pool needs", prepared)
	}
	c.statements[query] = stmt
	return stmt, nil
}

// handle reacts to the error of a query and returns it. After a migration has changed the result of a statement, the retry prepares
// it again. If a pooler has lost statements, no older connection is used again.
func (c *conn) handle(query string, err error) error {
	switch {
	case wire.IsStale(err):
		delete(c.statements, query)
	case wire.IsStatementLost(err):
		c.dropped = true
		c.connector.Distrust()
	}
	return err
}
