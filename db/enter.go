package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"freehold/auth"
	"freehold/fault"
)

const (
	enterAsMember = `
	SELECT app.enter($1, $2) AS user_id, set_config('app.client_ip', $3, true) AS ip, set_config('app.client_device', $4, true) AS device`
	enterAsNobody = `
	SELECT set_config('statement_timeout', $1, true), set_config('app.client_ip', $2, true), set_config('app.client_device', $3, true)`
)

func memberArgs(ctx context.Context, sessionID uuid.UUID) []any {
	client := auth.ClientFrom(ctx)
	return []any{sessionID, timeout(ctx).Milliseconds(), client.IP, client.Device}
}

func nobodyArgs(ctx context.Context) []any {
	client := auth.ClientFrom(ctx)
	return []any{strconv.FormatInt(timeout(ctx).Milliseconds(), 10), client.IP, client.Device}
}

// enter makes the owner of a session the viewer of a transaction that has begun.
func enter(ctx context.Context, tx *sqlx.Tx, sessionID uuid.UUID) (auth.Viewer, error) {
	var entered struct {
		UserID uuid.UUID `db:"user_id"`
		IP     string    `db:"ip"`
		Device string    `db:"device"`
	}
	if err := tx.GetContext(ctx, &entered, enterAsMember, memberArgs(ctx, sessionID)...); err != nil {
		return auth.Viewer{}, fmt.Errorf("enter a transaction: %w", err)
	}
	return auth.Viewer{UserID: entered.UserID, SessionID: sessionID}, nil
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
	c.observe("BEGIN")
	longest := c.awaitBegin(ctx)
	query, args := enterAsNobody, nobodyArgs(ctx)
	if this.viewer.IsMember() {
		query, args = enterAsMember, memberArgs(ctx, this.viewer.SessionID)
	}
	answer, err := c.enterWith(ctx, begin+limit(longest), query, args)
	if err != nil {
		return nil, err
	}
	if this.viewer.IsMember() {
		userID, err := uuid.Parse(answer)
		if err != nil {
			c.dropped = true
			return nil, fmt.Errorf("app.enter returned no id: %w", err)
		}
		this.viewer = auth.Viewer{UserID: userID, SessionID: this.viewer.SessionID}
	}
	return &tx{Tx: c.pqConn, conn: c, ctx: ctx}, nil
}

// enterWith runs begin and a query that enters, and returns the first column. After an error the transaction is over.
func (c *conn) enterWith(ctx context.Context, begin, query string, args []any) (answer string, err error) {
	end := c.connector.hooks.statement(ctx, query)
	defer func() { end(err) }()
	c.observe(query)
	text, err := inline(query, args...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errEntering, err)
	}
	answer, err = ask(ctx, c.pqConn, begin+text)
	switch {
	case err == nil:
		return answer, nil
	case pq.As(err) == nil:
		c.dropped = true
		return "", c.elsewhere(err)
	}
	c.observe("ROLLBACK")
	if c.Rollback() == nil {
		return "", fmt.Errorf("%w: %w", errEntering, err)
	}
	c.dropped = true // BEGIN failed: a standby's, or a pooler's error; another connection may reach another server
	return "", err
}

type aloneKey struct{}

// FindSessionUser returns the user of a live session; UNAUTHENTICATED with its reason for any other. It takes one trip:
// app.enter runs outside of a transaction block, so what it sets ends with it.
func (d *DB) FindSessionUser(ctx context.Context, sessionID uuid.UUID) (userID uuid.UUID, err error) {
	err = d.retrying(ctx, func(ctx context.Context) (err error, again bool) {
		ctx, end := d.hooks.transaction(ctx)
		defer func() { end(err) }()
		alone := context.WithValue(ctx, aloneKey{}, true)
		err = d.pool.GetContext(alone, &userID, `SELECT app.enter($1, $2)`, sessionID, timeout(ctx).Milliseconds())
		if err == nil {
			return nil, false
		}
		again = mayPass(err) || isCanceled(err)
		err = fmt.Errorf("find the user of a session: %w", err)
		if !errors.Is(err, errEntering) { // there was no connection
			err = fault.Busy(err)
		}
		return err, again
	})
	return userID, err
}

// enterAlone runs a query that enters outside of a transaction block. The simple protocol takes a limit along, which the
// server keeps: without one, a query whose socket has ended would wait for a lock for as long as that is held.
func (c *conn) enterAlone(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	end := c.connector.hooks.statement(ctx, query)
	defer func() { end(err) }()
	values := make([]any, len(args))
	for i := range args {
		values[i] = args[i].Value
	}
	text, err := inline(query, values...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEntering, err)
	}
	c.observe(query)
	rows, err := c.pqConn.QueryContext(ctx, limit(c.awaitBegin(ctx))+text, nil)
	if err != nil && (isLost(err) || isStatementLost(err)) {
		c.dropped = true
	}
	if pq.As(err) != nil {
		return nil, fmt.Errorf("%w: %w", errEntering, err)
	}
	return rows, c.elsewhere(err)
}

// limit is the statement that limits the time of those after it in a transaction. It has few texts, since PostgreSQL's
// statistics keep each.
func limit(longest time.Duration) string {
	const step = 50 * time.Millisecond
	return "SET LOCAL statement_timeout = " + strconv.FormatInt(max(step, longest.Truncate(step)).Milliseconds(), 10) + "; "
}

// inline returns a query with its arguments as literals, since the simple protocol, which takes several statements at once,
// has no parameters. No other function builds SQL from values.
func inline(query string, args ...any) (string, error) {
	literals := make([]string, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			literals[i] = strconv.FormatInt(v, 10)
		case uuid.UUID:
			literals[i] = "'" + v.String() + "'"
		case string:
			if strings.ContainsRune(v, 0) || !utf8.ValidString(v) { // a NUL would end the message early
				return "", notStorable(errors.New("a text has a NUL or is not UTF-8"))
			}
			literals[i] = pq.QuoteLiteral(v)
		default:
			return "", fmt.Errorf("no literal can be made of a %T", arg)
		}
	}
	var text strings.Builder
	for rest := query; ; {
		before, after, found := strings.Cut(rest, "$")
		text.WriteString(before)
		if !found {
			return text.String(), nil
		}
		if after == "" || after[0] < '1' || int(after[0]-'1') >= len(literals) {
			return "", fmt.Errorf("an argument is missing: %s", query)
		}
		text.WriteString(literals[after[0]-'1'])
		rest = after[1:]
	}
}
