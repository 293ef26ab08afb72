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
	"freehold.dev/freehold/fault"
)

const maxAttempts = 5

// Tx runs statements for a viewer, or for nobody: in one transaction, or each in one of its own (see DB.Read). The row policies
// hold for all of them.
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

// SystemTx is a transaction of the service itself, for what must happen before there is a viewer. Its rows are those
// that everybody sees; all else goes through the definer functions.
type SystemTx struct{ tx runner }

// Write runs fn in a transaction of viewer, which may change rows. fn may run several times: after a serialization failure, a
// deadlock or a lost connection the whole transaction is tried again. A transaction inside another is refused. The error of a
// viewer whose session has ended is UNAUTHENTICATED with its reason. Where the reply to COMMIT is lost the error says that the
// outcome is unknown.
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

// read is Read for a single result.
func read[T any](ctx context.Context, d *DB, viewer auth.Viewer, fn func(context.Context, *Tx) (T, error)) (result T, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) (err error) {
		result, err = fn(ctx, tx)
		return err
	})
	return result, err
}

// Enter turns a transaction of the system into one of the owner of a session, which sign-up and sign-in have just
// started in it.
func (t *SystemTx) Enter(ctx context.Context, sessionID uuid.UUID) (*Tx, error) {
	viewer, err := enter(ctx, t.tx, sessionID)
	if err != nil {
		return nil, err
	}
	return &Tx{tx: t.tx, Viewer: viewer}, nil
}

// AsNobody is the transaction as one of nobody.
func (t *SystemTx) AsNobody() *Tx { return &Tx{tx: t.tx} }

type inTransaction struct{}

// attempt is one at a transaction.
type attempt struct {
	statement time.Duration // how long each may take
	viewer    auth.Viewer   // who asks; from BEGIN on, as the database has proved it
	entered   bool          // whether the database has proved the viewer's session
	mail      bool          // a mail was put into the outbox; the worker hears of it after COMMIT

	single    single
	deadline  time.Time // of single statements; the zero time for none
	connected bool      // whether there was a connection for a single statement
	fresh     bool      // whether that connection was new
}

func attemptOf(ctx context.Context) *attempt {
	this, _ := ctx.Value(inTransaction{}).(*attempt)
	return this
}

// noteMail notes that the transaction of ctx has put a mail into the outbox.
func noteMail(ctx context.Context) {
	if a := attemptOf(ctx); a != nil {
		a.mail = true
	}
}

// transact runs fn in a transaction of viewer, again where that can help, and returns errors that are ours wherever a client
// can be told something.
func (d *DB) transact(ctx context.Context, options *sql.TxOptions, viewer auth.Viewer, fn func(context.Context, *sqlx.Tx) error) error {
	return d.retrying(ctx, viewer, func(ctx context.Context) (err error, again bool) {
		return d.attempt(ctx, options, fn)
	})
}

// retrying runs try for a viewer until another attempt cannot help.
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
		this := &attempt{statement: d.statement, viewer: viewer}
		err, again := try(context.WithValue(ctx, inTransaction{}, this))
		settle(ctx, this, err)
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

// admit keeps to what the database has said about the claim of a request. A claim that comes first is settled before anything
// is done that is not the viewer's own transaction, which settles it by itself.
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

// settle notes what an attempt has shown of the session that a request's token names.
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

// pause waits a random while that doubles with each attempt, so that rivals do not meet again.
func pause(ctx context.Context, n int) {
	longest := 4 * time.Millisecond << n
	select {
	case <-time.After(time.Duration(rand.Int64N(int64(longest)))): //nolint:gosec // jitter, not a secret
	case <-ctx.Done():
	}
}

// attempt runs fn once. It rolls back on an error and on a panic, and says whether another attempt can help.
func (d *DB) attempt(ctx context.Context, options *sql.TxOptions, fn func(context.Context, *sqlx.Tx) error) (err error, again bool) {
	ctx, end := d.observer.transaction(ctx)
	defer func() { end(err) }()
	tx, err := d.pool.BeginTxx(ctx, options) // and enter: see conn.BeginTx
	if errors.Is(err, errEntering) {
		return err, mayPass(err) || isCut(err)
	}
	if err != nil {
		return fault.Busy(fmt.Errorf("begin: %w", err)), isLost(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; before, the connection is dropped if it fails
	if err := fn(ctx, tx); err != nil {
		return err, mayPass(err)
	}
	switch err := tx.Commit(); {
	case err == nil:
		return nil, false
	case isTransient(err):
		return fmt.Errorf("commit: %w", err), true
	case isLost(err) && options != nil && options.ReadOnly:
		return fmt.Errorf("commit: %w", err), true
	case isLost(err):
		return &fault.Error{Code: fault.Unavailable, Message: "The connection was lost while saving. Look whether it was saved before you try again.", Err: err}, false
	default:
		return fmt.Errorf("commit: %w", err), false
	}
}

// Get reads one row into dest; sql.ErrNoRows when there is none.
func (t *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.GetContext(ctx, dest, query, args...)
}

// GetOne reads one row into dest, such as the row that a statement RETURNING has written. It returns NOT_FOUND if there is none: a
// row policy hides other users' rows from statements too.
func (t *Tx) GetOne(ctx context.Context, dest any, query string, args ...any) error {
	err := t.tx.GetContext(ctx, dest, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Gone()
	}
	return err
}

// Select reads all rows into the slice dest points to.
func (t *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	return t.tx.SelectContext(ctx, dest, query, args...)
}

// ExecOne runs a statement that must touch exactly one row: NOT_FOUND if it touched none, which is what a row policy
// makes of a write to somebody else's row.
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
		return fmt.Errorf("a statement for one row touched %d", n)
	}
	return nil
}
