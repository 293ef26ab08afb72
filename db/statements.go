package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// maxStatements bounds the prepared statements of a connection. Queries are literals, so it is never reached; it keeps
// a mistake from filling the server's memory.
const maxStatements = 256

var errTooMany = errors.New("too many distinct queries: a query is being built instead of written")

// connector hands out connections that prepare each query once and reuse it: lib/pq would otherwise take two trips for
// every query with arguments. (database/sql's own DB.Prepare would ask the pool for a second connection in the middle
// of a transaction.)
type connector struct {
	*pqConnector
	statement time.Duration // how long one may take
	observer  Observer
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, socket, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(pqConn)
	if !ok {
		return nil, fmt.Errorf("lib/pq's %T has lost an interface that the pool needs", inner)
	}
	return &conn{pqConn: full, socket: socket, connector: c, statements: map[string]pqStmt{}, persisted: map[string]bool{}}, nil
}

// pqConn and pqStmt are what lib/pq's connections and statements can do.
type pqConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
	driver.Tx // of the transaction that has begun on it
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type pqStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

type conn struct {
	pqConn
	socket     *socket
	connector  *connector
	statements map[string]pqStmt
	dropped    bool            // what was prepared here is gone, or is another's
	persisted  map[string]bool // the statements of SQL that were prepared; see message
	inlines    bool            // whether messages have the text of statements
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	end := c.connector.observer.statement(ctx, query)
	defer func() { end(err) }()
	c.await(ctx, c.connector.statement)
	stmt, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.judge(query, err)
	}
	rows, err := stmt.QueryContext(ctx, args)
	return rows, c.judge(query, err)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	end := c.connector.observer.statement(ctx, query)
	defer func() { end(err) }()
	c.await(ctx, c.connector.statement)
	stmt, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, c.judge(query, err)
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.judge(query, err)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.await(ctx, c.connector.statement)
	return c.pqConn.PrepareContext(ctx, query)
}

func (c *conn) Ping(ctx context.Context) error {
	c.await(ctx, beginTimeout)
	return c.pqConn.Ping(ctx)
}

// elsewhere makes database/sql go on with another connection if this one broke before anything was done on it.
func (c *conn) elsewhere(err error) error {
	if err == nil || pq.As(err) != nil || !c.socket.broken.Load() || errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
}

// ResetSession keeps a connection from being used that broke, or that is suspect.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.dropped || c.socket.suspect() {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

// IsValid reports whether the connection may go back to the pool.
func (c *conn) IsValid() bool { return !c.dropped && !c.socket.broken.Load() && c.pqConn.IsValid() }

// Close says goodbye, if the peer takes it.
func (c *conn) Close() error {
	c.socket.allow(time.Now().Add(socketGrace), 0)
	return c.pqConn.Close()
}

// await gives the server until the end of ctx, and no more than longest, to answer.
func (c *conn) await(ctx context.Context, longest time.Duration) {
	asked, until := clock(), time.Now().Add(longest)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		asked, until = 0, deadline
	}
	c.socket.allow(until.Add(socketGrace), asked)
}

// awaitBegin gives the server the time of BEGIN to answer, and returns how long what goes along with BEGIN may take, so that
// the server's own answer arrives first.
func (c *conn) awaitBegin(ctx context.Context) time.Duration {
	const least = 250 * time.Millisecond // on a busy machine a live server may take as long
	longest := beginTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if left < least {
			c.await(ctx, left)
			return left
		}
		longest = min(longest, max(least, left/3))
	}
	c.socket.allow(time.Now().Add(longest), clock())
	return min(c.connector.statement, longest*2/3)
}

// tx gives COMMIT and ROLLBACK, which have no context, the time of their transaction.
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

// Rollback ends the connection if its context has ended: a request to cancel a statement may be on its way, and must not
// meet another one.
func (t *tx) Rollback() error {
	t.conn.connector.observer.query("ROLLBACK")
	if err := t.ctx.Err(); err != nil {
		t.conn.dropped = true
		return err
	}
	t.conn.await(t.ctx, beginTimeout)
	return t.Tx.Rollback()
}

// prepared returns the statement of a query, prepared once.
func (c *conn) prepared(ctx context.Context, query string, args []driver.NamedValue) (pqStmt, error) {
	c.connector.observer.query(query)
	stmt, ok := c.statements[query]
	if !ok {
		var err error
		if stmt, err = c.prepare(ctx, query); err != nil {
			return nil, err
		}
	}
	if n := stmt.NumInput(); n != len(args) { // lib/pq's own error has no type
		return nil, fmt.Errorf("%w: it takes %d parameters and got %d", errStatementLost, n, len(args))
	}
	return stmt, nil
}

func (c *conn) prepare(ctx context.Context, query string) (pqStmt, error) {
	if len(c.statements) >= maxStatements {
		return nil, errTooMany
	}
	prepared, err := c.pqConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(pqStmt)
	if !ok {
		return nil, fmt.Errorf("lib/pq's %T has lost an interface that the pool needs", prepared)
	}
	c.statements[query] = stmt
	return stmt, nil
}

// judge acts on the error of a query. A statement that a migration made stale is prepared anew by the retry. Where
// statements are lost, a pooler has mixed them up: no connection that was prepared on before is used again.
func (c *conn) judge(query string, err error) error {
	switch {
	case isStale(err):
		delete(c.statements, query)
	case isStatementLost(err):
		c.dropped = true
		c.connector.doubt.raise(clock())
	}
	return err
}
