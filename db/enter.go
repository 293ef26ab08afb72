package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// The statements that enter a transaction. Only the one of members reads tables, and so may have to wait for a lock.
const (
	enterAsMember = `SELECT app.enter_session($1, $2, $3, $4, $5, $6)`
	enterAsNobody = `
	SELECT set_config('statement_timeout', $1, true), set_config('app.client_ip', $2, true), set_config('app.client_device', $3, true)`
	readAsNobody = enterAsNobody + `, set_config('transaction_read_only', 'on', true)`
)

// entering returns the statement that enters a transaction, whose statements may take so long. It waits for a lock no longer than
// wait.
func (a *attempt) entering(ctx context.Context, statement, wait time.Duration) call {
	client, limit := auth.ClientFrom(ctx), milliseconds(statement)
	switch {
	case a.viewer.IsMember():
		return call{enterAsMember, []any{a.viewer.SessionID, limit, milliseconds(wait), client.IP, client.Device, a.single == singleRead}}
	case a.single == singleRead:
		return call{readAsNobody, []any{limit, client.IP, client.Device}}
	default:
		return call{enterAsNobody, []any{limit, client.IP, client.Device}}
	}
}

// milliseconds is a duration as PostgreSQL's settings take it, where 0 would mean for ever.
func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// enter makes the owner of a session the viewer of a transaction that has begun.
func enter(ctx context.Context, tx runner, sessionID uuid.UUID) (auth.Viewer, error) {
	var userID uuid.UUID
	if err := tx.GetContext(ctx, &userID, `SELECT app.enter($1, $2)`, sessionID, timeout(ctx).Milliseconds()); err != nil {
		return auth.Viewer{}, fmt.Errorf("enter a transaction: %w", err)
	}
	return auth.Viewer{UserID: userID, SessionID: sessionID}, nil
}

// timeout is how long a statement of the transaction of ctx may take: no longer than what is left of the request's time,
// at least a millisecond (0 would mean for ever).
func timeout(ctx context.Context) time.Duration {
	longest := attemptOf(ctx).statement
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline))
	}
	return max(time.Millisecond, longest)
}

// errEntering is the error of a server that was reached, where the viewer could not enter.
var errEntering = errors.New("enter a transaction")

// BeginTx begins a transaction and enters it as the viewer of its attempt, in one trip: BEGIN takes no parameters, so all
// goes out as one message of the simple protocol. The server has a part of the time only. A server that takes longer is
// silent, and there is time left to try another connection.
func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	this := attemptOf(ctx)
	if this == nil || options.Isolation != 0 {
		return nil, errors.New("a transaction was begun that is no attempt, or is isolated in another way")
	}
	begin := "BEGIN READ WRITE; "
	if options.ReadOnly {
		begin = "BEGIN READ ONLY; "
	}
	c.connector.observer.query("BEGIN")
	longest := c.awaitBegin(ctx)
	enter := this.entering(ctx, timeout(ctx), longest)
	answer, err := c.enterBlock(ctx, begin, longest, enter)
	if err != nil {
		return nil, err
	}
	if this.viewer.IsMember() {
		userID, err := uuid.Parse(answer)
		if err != nil {
			c.dropped = true
			return nil, fmt.Errorf("app.enter returned no id: %w", err)
		}
		if userID != this.viewer.UserID {
			return nil, errors.Join(errEntering, fault.SignIn(fault.Invalid), c.Rollback())
		}
		this.entered = true
	}
	return &tx{Tx: c.pqConn, conn: c, ctx: ctx}, nil
}

// enterBlock runs begin and a query that enters, and returns the first column. After an error the transaction is over.
func (c *conn) enterBlock(ctx context.Context, begin string, longest time.Duration, enter call) (answer string, err error) {
	end := c.connector.observer.statement(ctx, enter.query)
	defer func() { end(err) }()
	c.connector.observer.query(enter.query)
	for {
		text, err := c.message(ctx, longest, enter)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errEntering, err)
		}
		answer, err := ask(ctx, c.pqConn, begin+text)
		switch {
		case err == nil:
			return answer, nil
		case pq.As(err) == nil:
			c.dropped = true
			return "", c.elsewhere(err)
		}
		c.connector.observer.query("ROLLBACK")
		if c.Rollback() != nil {
			c.dropped = true // BEGIN failed: a standby's, or a pooler's error; another connection may reach another server
			return "", err
		}
		if !c.losesNames(err) {
			return "", fmt.Errorf("%w: %w", errEntering, err)
		}
	}
}

// losesNames reports whether an error means that a pooler stands before the server, which this connection did not know yet.
func (c *conn) losesNames(err error) bool {
	known := c.inlines
	c.inlines = known || pq.As(err, pqerror.InvalidSQLStatementName) != nil
	return c.inlines && !known
}
