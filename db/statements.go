package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// maxStatements bounds the prepared statements of a connection. Queries are literals, so it is never reached; it keeps
// a mistake from filling the server's memory.
const maxStatements = 256

// connector hands out connections that prepare each query once and reuse it: lib/pq would otherwise take two trips for
// every query with arguments. (database/sql's own DB.Prepare would ask the pool for a second connection in the middle
// of a transaction.)
type connector struct {
	driver.Connector
	observe func(query string)
	hooks   Hooks
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(pqConn)
	if !ok {
		return nil, fmt.Errorf("lib/pq's %T has lost an interface that the pool needs", inner)
	}
	return &conn{pqConn: full, observe: c.observe, hooks: &c.hooks, statements: map[string]pqStmt{}}, nil
}

// pqConn and pqStmt are what lib/pq's connections and statements can do.
type pqConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
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
	observe    func(query string)
	hooks      *Hooks
	statements map[string]pqStmt
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	end := c.hooks.statement(ctx, query)
	defer func() { end(err) }()
	stmt, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	return rows, c.forgetStale(query, err)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	end := c.hooks.statement(ctx, query)
	defer func() { end(err) }()
	stmt, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.forgetStale(query, err)
}

// BeginTx and observedTx let the observer see where a transaction begins and ends.
func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if c.observe == nil {
		return c.pqConn.BeginTx(ctx, options)
	}
	c.observe("BEGIN")
	tx, err := c.pqConn.BeginTx(ctx, options)
	return observedTx{tx, c.observe}, err
}

type observedTx struct {
	driver.Tx
	observe func(query string)
}

func (t observedTx) Commit() error {
	t.observe("COMMIT")
	return t.Tx.Commit()
}

func (t observedTx) Rollback() error {
	t.observe("ROLLBACK")
	return t.Tx.Rollback()
}

func (c *conn) prepared(ctx context.Context, query string) (pqStmt, error) {
	if c.observe != nil {
		c.observe(query)
	}
	if stmt, ok := c.statements[query]; ok {
		return stmt, nil
	}
	if len(c.statements) >= maxStatements {
		return nil, errors.New("too many distinct queries: a query is being built instead of written")
	}
	prepared, err := c.PrepareContext(ctx, query)
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

// forgetStale drops a statement that a migration made stale, so that the retry prepares it anew.
func (c *conn) forgetStale(query string, err error) error {
	if pq.As(err, pqerror.FeatureNotSupported, pqerror.InvalidSQLStatementName) != nil {
		delete(c.statements, query)
	}
	return err
}
