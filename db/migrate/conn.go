package migrate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"freehold.dev/freehold/db/wire"
)

// connector opens connections for migrations. A migration may take hours, so its statements have no deadline. Keepalive
// detects a peer that has vanished, and watch a server that does not answer for another reason.
type connector struct {
	*wire.Connector
	ctx context.Context //nolint:containedctx // of Run; its end also ends a statement that gets no answer
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	full, socket, err := c.Dial(ctx)
	if err != nil {
		return nil, err
	}
	process, err := wire.Ask(ctx, full, `SELECT pg_backend_pid()`)
	if err != nil {
		return nil, errors.Join(err, full.Close())
	}
	socket.Allow(time.Time{}, false)
	watching, stop := context.WithCancel(c.ctx)
	hurry := context.AfterFunc(c.ctx, func() { socket.Allow(time.Now().Add(wire.Grace), false) })
	go c.watch(watching, socket, process)
	return &migratingConn{Conn: full, release: func() {
		hurry()
		stop()
		socket.Allow(time.Now().Add(wire.Grace), false)
	}}, nil
}

// migratingConn is lib/pq's connection. It does not prepare statements, since one text may have many.
type migratingConn struct {
	wire.Conn
	release func()
}

func (c *migratingConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// watch closes a socket whose statement gets no answer. While nothing arrives, it asks the server on another connection, at growing
// intervals, whether the server process is active. It closes the socket after two negative answers, or after five failed
// connections in a row.
func (c *connector) watch(ctx context.Context, s *wire.Socket, process string) {
	const first, longest = 2 * time.Second, 30 * time.Second
	interval, idle, unreachable := first, 0, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
		if s.Silence() < first {
			interval, idle, unreachable = first, 0, 0
			continue
		}
		interval = min(2*interval, longest)
		working, err := c.isWorking(ctx, process)
		switch {
		case err != nil && pq.As(err) == nil:
			unreachable++
		case err != nil || working:
			idle, unreachable = 0, 0
		default:
			idle, interval = idle+1, first
		}
		if (idle == 2 || unreachable == 5) && s.Silence() > 0 {
			s.End(errors.New("the database has stopped working on the statement without an answer"))
			return
		}
	}
}

// isWorking reports whether a server process is running a statement.
func (c *connector) isWorking(ctx context.Context, process string) (bool, error) {
	conn, _, err := c.Dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close() //nolint:errcheck // it has answered
	state, err := wire.Ask(ctx, conn, `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid = `+process)
	return state != "0", err
}

// nestedPool returns a pool whose only connection is conn, which is in a transaction. The pool's transactions are savepoints. Closing
// the pool leaves conn open.
func nestedPool(conn *sql.Conn) (*sql.DB, error) {
	var inner wire.Conn
	err := conn.Raw(func(raw any) error {
		var ok bool
		if inner, ok = raw.(wire.Conn); !ok {
			return fmt.Errorf("lib/pq's %T lacks an interface that migrations need", raw)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(nestedConnector{inner})
	pool.SetMaxOpenConns(1)
	return pool, nil
}

type nestedConnector struct{ conn wire.Conn }

func (c nestedConnector) Connect(context.Context) (driver.Conn, error) {
	return nestedConn{c.conn}, nil
}

func (c nestedConnector) Driver() driver.Driver { return &pq.Driver{} }

type nestedConn struct{ wire.Conn }

func (nestedConn) Close() error { return nil }

func (c nestedConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.ExecContext(ctx, `SAVEPOINT nested`, nil)
	return savepoint{c.Conn}, err
}

type savepoint struct{ conn wire.Conn }

func (s savepoint) Commit() error {
	_, err := s.conn.ExecContext(context.Background(), `RELEASE SAVEPOINT nested`, nil)
	return err
}

func (s savepoint) Rollback() error {
	_, err := s.conn.ExecContext(context.Background(), `ROLLBACK TO SAVEPOINT nested`, nil)
	return err
}
