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
	"freehold.dev/freehold/db/wire"
	"freehold.dev/freehold/fault"
)

// The statements that set the viewer of a transaction. Only those for members read tables, so only they can wait for a lock. The one for
// operators also looks up which of the scopes in their token are granted still.
const (
	enterAsMember    = `SELECT app.enter_session($1, $2, $3, $4, $5, $6)`
	enterByToken     = `SELECT app.enter_verified($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	enterAsOperator  = `SELECT viewer, app.accept_scopes($7, $8) FROM app.enter_session($1, $2, $3, $4, $5, $6) AS viewer`
	enterAnonymously = `
	SELECT set_config('statement_timeout', $1, true), set_config('app.client_ip', $2, true), set_config('app.client_device', $3, true)`
	readAnonymously = enterAnonymously + `, set_config('transaction_read_only', 'on', true)`
)

// entry is how a member enters a transaction. The database decides it, when it is opened.
type entry func(a *attempt, limit, wait string, client auth.Client) call

// bySession proves the viewer's session. Only sessions with two factors have the strong scopes.
func bySession(a *attempt, limit, wait string, client auth.Client) call {
	args := []any{a.viewer.SessionID, limit, wait, client.IP, client.Device, a.single == singleRead}
	if a.viewer.Scopes == "" {
		return call{enterAsMember, args}
	}
	return call{enterAsOperator, append(args, string(a.viewer.Scopes), a.strong)}
}

// byToken enters the viewer of a token of another service, which was verified. The database has no session to prove.
func byToken(a *attempt, limit, wait string, client auth.Client) call {
	v := a.viewer
	return call{enterByToken, []any{v.UserID, v.SessionID, v.Until, string(v.Scopes), limit, wait, client.IP, client.Device, a.single == singleRead}}
}

// entering returns the statement that sets the viewer and limits the statements after it to a timeout. It waits for a lock no
// longer than wait.
func (a *attempt) entering(ctx context.Context, statement, wait time.Duration) call {
	client, limit := auth.ClientFrom(ctx), milliseconds(statement)
	switch {
	case a.viewer.IsMember():
		return a.entry(a, limit, milliseconds(wait), client)
	case a.single == singleRead:
		return call{readAnonymously, []any{limit, client.IP, client.Device}}
	default:
		return call{enterAnonymously, []any{limit, client.IP, client.Device}}
	}
}

// milliseconds formats a duration for PostgreSQL's timeouts. It never returns 0, which would mean no timeout.
func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// sessionClaims are what the access token of a session says.
type sessionClaims struct {
	Scopes          auth.Scopes `db:"scopes"`
	Methods         string      `db:"methods"`
	Strong          bool        `db:"strong"`
	AuthenticatedAt int64       `db:"authenticated_at"`
}

func (c sessionClaims) authentication() auth.Authentication {
	return auth.Authentication{Methods: c.Methods, Strong: c.Strong, At: c.AuthenticatedAt}
}

// enter makes the owner of a session the viewer of a running transaction. The viewer has all scopes that the session may have.
func enter(ctx context.Context, tx runner, sessionID uuid.UUID) (auth.Viewer, error) {
	var entered struct {
		UserID uuid.UUID `db:"user_id"`
		sessionClaims
	}
	err := tx.GetContext(ctx, &entered, `
		SELECT e.user_id, c.scopes, c.methods, c.strong, c.authenticated_at
		  FROM app.enter($1, $2) AS e (user_id), app.session_claims($1, $3) c`, sessionID, timeout(ctx).Milliseconds(), attemptOf(ctx).strong)
	if err != nil {
		return auth.Viewer{}, fmt.Errorf("set the viewer: %w", err)
	}
	return auth.Viewer{UserID: entered.UserID, SessionID: sessionID, Scopes: entered.Scopes, Authentication: entered.authentication()}, nil
}

// timeout returns the statement timeout for the transaction of ctx. It ends with the request, and is at least a millisecond,
// since 0 would mean no timeout.
func timeout(ctx context.Context) time.Duration {
	longest := attemptOf(ctx).statement
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline))
	}
	return max(time.Millisecond, longest)
}

// errEntering means that the server answered, but the viewer was not set.
var errEntering = errors.New("set the viewer")

// BeginTx begins a transaction and sets the viewer of its attempt, in one round trip: BEGIN takes no parameters, so both are
// sent as one message of the simple protocol. The server gets only a part of the time, so that there is time left to try
// another connection.
func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	this := attemptOf(ctx)
	if this == nil || options.Isolation != 0 {
		return nil, errors.New("a transaction was begun outside an attempt, or with another isolation level")
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
			return nil, fmt.Errorf("the statement that sets the viewer returned no id: %w", err)
		}
		if userID != this.viewer.UserID {
			return nil, errors.Join(errEntering, fault.SignIn(fault.Invalid), c.Rollback())
		}
		this.entered = true
	}
	return &tx{Tx: c.Conn, conn: c, ctx: ctx}, nil
}

// enterBlock runs begin and the statement that sets the viewer, and returns the first column. After an error, no transaction is
// open.
func (c *conn) enterBlock(ctx context.Context, begin string, longest time.Duration, enter call) (answer string, err error) {
	end := c.connector.observer.statement(ctx, enter.query)
	defer func() { end(err) }()
	c.connector.observer.query(enter.query)
	for {
		text, err := c.message(ctx, longest, enter)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errEntering, err)
		}
		answer, err := wire.Ask(ctx, c.Conn, begin+text)
		switch {
		case err == nil:
			return answer, nil
		case pq.As(err) == nil:
			c.dropped = true
			return "", c.elsewhere(err)
		}
		c.connector.observer.query("ROLLBACK")
		if c.Rollback() != nil {
			c.dropped = true // BEGIN failed on a standby or in a pooler; another connection may reach another server
			return "", err
		}
		if !c.losesNames(err) {
			return "", fmt.Errorf("%w: %w", errEntering, err)
		}
	}
}

// losesNames reports whether an error shows for the first time that the connection goes through a pooler that loses prepared
// statements.
func (c *conn) losesNames(err error) bool {
	known := c.inlines
	c.inlines = known || pq.As(err, pqerror.InvalidSQLStatementName) != nil
	return c.inlines && !known
}
