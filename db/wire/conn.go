// Package wire owns connections to PostgreSQL: sockets with deadlines, what lib/pq's connections can do, the kinds of their errors,
// and the check that a server and a pooler are suitable. It must not know viewers, roles, tables or migrations.
package wire

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// Conn has the interfaces of lib/pq's connections.
type Conn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
	driver.Tx // of the current transaction
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// Stmt has the interfaces of lib/pq's statements.
type Stmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// Ask runs a query without parameters, which lib/pq does not prepare, and returns its only value.
func Ask(ctx context.Context, c Conn, query string) (string, error) {
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	return Only(rows)
}

// Only returns the only value of rows, and closes them.
func Only(rows driver.Rows) (string, error) {
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
