package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/wire"
	"freehold.dev/freehold/fault"
)

const maxAttempts = 5

// Tx runs statements as a viewer, who may be anonymous: in one transaction, or each in its own (see DB.Read). The row policies
// apply to all of them.
type Tx struct {
	tx     runner
	Viewer auth.Viewer
}

// runner is what runs statements: a transaction, or the pool.
type runner interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// SystemTx is a transaction of the service itself, for work that happens before there is a viewer. It sees the rows that an
// anonymous viewer sees. Everything else goes through the definer functions.
type SystemTx struct{ tx runner }

// Write runs fn in a transaction that reads and writes as viewer. fn may run several times: after a serialization failure, a
// deadlock or a lost connection, Write retries the whole transaction. Write returns an error inside another transaction,
// UNAUTHENTICATED with a reason if the viewer's session is revoked, expired or invalid, and UNAVAILABLE if the reply to COMMIT
// is lost. In that last case, the outcome is unknown.
func (d *DB) Write(ctx context.Context, viewer auth.Viewer, fn func(context.Context, *Tx) error) error {
	return d.transact(ctx, nil, viewer, func(ctx context.Context, tx *sqlx.Tx) error {
		return fn(ctx, &Tx{tx: tx, Viewer: attemptOf(ctx).viewer})
	})
}

// AsSystem runs fn in a transaction of the service itself; see SystemTx.
func (d *DB) AsSystem(ctx context.Context, fn func(context.Context, *SystemTx) error) error {
	return d.transact(ctx, nil, auth.Viewer{}, func(ctx context.Context, tx *sqlx.Tx) error {
		return fn(ctx, &SystemTx{tx: tx})
	})
}

// read is Read for a function with a result.
func read[T any](ctx context.Context, d *DB, viewer auth.Viewer, fn func(context.Context, *Tx) (T, error)) (result T, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) (err error) {
		result, err = fn(ctx, tx)
		return err
	})
	return result, err
}

// Enter turns the transaction into a viewer transaction of the owner of a session. The session may have been started in it.
func (t *SystemTx) Enter(ctx context.Context, sessionID uuid.UUID) (*Tx, error) {
	viewer, err := enter(ctx, t.tx, sessionID)
	if err != nil {
		return nil, err
	}
	return &Tx{tx: t.tx, Viewer: viewer}, nil
}

// AsAnonymous returns the transaction as one of an anonymous viewer.
func (t *SystemTx) AsAnonymous() *Tx { return &Tx{tx: t.tx} }

type inTransaction struct{}

// attempt is one attempt at a transaction.
type attempt struct {
	statement time.Duration // the timeout of each statement
	viewer    auth.Viewer
	entry     entry
	strong    string // see Options.StrongScopes
	entered   bool   // whether the database has proved the viewer's session
	mail      bool   // whether a mail was put into the outbox
	limit     string // the bucket that was full; "" for none

	single    single
	deadline  time.Time // of single statements; the zero time for none
	connected bool      // whether a single statement got a connection
	fresh     bool      // whether that connection was new
}

func attemptOf(ctx context.Context) *attempt {
	this, _ := ctx.Value(inTransaction{}).(*attempt)
	return this
}

// noteMail records that the transaction of ctx has put a mail into the outbox.
func noteMail(ctx context.Context) {
	if a := attemptOf(ctx); a != nil {
		a.mail = true
	}
}

// noteLimit records that a bucket was full.
func noteLimit(ctx context.Context, bucket string) {
	if a := attemptOf(ctx); a != nil {
		a.limit = bucket
	}
}

// transact runs fn in a transaction of viewer, retries it if that can help, and returns a fault for errors that a client may
// see.
func (d *DB) transact(ctx context.Context, options *sql.TxOptions, viewer auth.Viewer, fn func(context.Context, *sqlx.Tx) error) error {
	return d.retrying(ctx, viewer, func(ctx context.Context) (err error, again bool) {
		return d.attempt(ctx, options, fn)
	})
}

// retrying runs try until it succeeds, or until another attempt cannot help.
func (d *DB) retrying(ctx context.Context, viewer auth.Viewer, try func(context.Context) (err error, again bool)) error {
	if attemptOf(ctx) != nil {
		return errors.New("a transaction was begun inside another")
	}
	if err := d.admit(ctx, viewer); err != nil {
		return err
	}
	leave, err := enterShare(ctx)
	if err != nil {
		return fault.Busy(fmt.Errorf("begin: %w", err))
	}
	defer leave()
	for n := 1; ; n++ {
		this := &attempt{statement: d.statement, viewer: viewer, entry: d.entry, strong: d.strong}
		err, again := try(context.WithValue(ctx, inTransaction{}, this))
		settle(ctx, this, err)
		d.observer.limited(this)
		switch {
		case err == nil:
			d.observer.committed(this)
			return nil
		case ctx.Err() != nil && errors.Is(err, sql.ErrTxDone): // database/sql rolls back at the end of ctx
			return translate(ctx.Err())
		case !again || n == maxAttempts || ctx.Err() != nil:
			return translate(err)
		}
		d.observer.retry(err)
		pause(ctx, n)
	}
}

// admit applies the database's earlier answer about the claim of a request. A claim that comes first is settled before any
// transaction that is not the viewer's own; the viewer's own transaction settles it.
func (d *DB) admit(ctx context.Context, viewer auth.Viewer) error {
	claim := auth.ClaimFrom(ctx)
	reason, settled := claim.Settled()
	switch {
	case !settled && claim.First && viewer != claim.Viewer:
		return d.ProveSession(ctx, claim.Viewer)
	case reason != "" && (claim.First || viewer == claim.Viewer):
		return fault.SignIn(reason)
	}
	return nil
}

// settle records what an attempt has shown about the session in a request's token.
func settle(ctx context.Context, this *attempt, err error) {
	claim := auth.ClaimFrom(ctx)
	if claim == nil || this.viewer.SessionID != claim.Viewer.SessionID {
		return
	}
	if this.entered {
		claim.Settle("")
	} else if f, ok := errors.AsType[*fault.Error](translate(err)); ok && f.Code == fault.Unauthenticated {
		claim.Settle(f.Reason)
	}
}

// pause waits for a random time, whose maximum doubles with each attempt, so that conflicting transactions do not meet again.
func pause(ctx context.Context, n int) {
	longest := 4 * time.Millisecond << n
	select {
	case <-time.After(time.Duration(rand.Int64N(int64(longest)))): //nolint:gosec // jitter, not a secret
	case <-ctx.Done():
	}
}

// attempt runs fn once. It rolls back on an error and on a panic, and reports whether another attempt can help.
func (d *DB) attempt(ctx context.Context, options *sql.TxOptions, fn func(context.Context, *sqlx.Tx) error) (err error, again bool) {
	ctx, end := d.observer.transaction(ctx)
	defer func() { end(err) }()
	tx, err := d.pool.BeginTxx(ctx, options) // and set the viewer: see conn.BeginTx
	if errors.Is(err, errEntering) {
		return err, wire.MayPass(err) || wire.IsCut(err)
	}
	if err != nil {
		return fault.Busy(fmt.Errorf("begin: %w", err)), wire.IsLost(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; if it fails, the connection is closed
	if err := fn(ctx, tx); err != nil {
		return err, wire.MayPass(err)
	}
	switch err := tx.Commit(); {
	case err == nil:
		return nil, false
	case wire.IsTransient(err):
		return fmt.Errorf("commit: %w", err), true
	case wire.IsLost(err) && options != nil && options.ReadOnly:
		return fmt.Errorf("commit: %w", err), true
	case wire.IsLost(err):
		return &fault.Error{Code: fault.Unavailable, Message: "The connection was lost while saving. Check whether the change was saved before you retry.", Err: err}, false
	default:
		return fmt.Errorf("commit: %w", err), false
	}
}

// Get scans the first row into dest; sql.ErrNoRows if there is none.
func (t *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.GetContext(ctx, dest, query, args...)
}

// GetOne scans one row into dest, for example the row of an UPDATE with RETURNING. It returns NOT_FOUND if there is none, for example
// because a row policy hides another user's row.
func (t *Tx) GetOne(ctx context.Context, dest any, query string, args ...any) error {
	err := t.tx.GetContext(ctx, dest, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Gone()
	}
	return err
}

// Select scans all rows into the slice that dest points to.
func (t *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.SelectContext(ctx, dest, query, args...)
}

// ExecOne runs a statement that must change exactly one row. It returns NOT_FOUND if the statement changed none, for example
// because a row policy hides another user's row.
func (t *Tx) ExecOne(ctx context.Context, query string, args ...any) error {
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return err
	case n == 0:
		return fault.Gone()
	case n > 1:
		return fmt.Errorf("a statement for one row changed %d", n)
	}
	return nil
}
