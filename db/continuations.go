package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// Continuation is what a flow of several requests knows.
type Continuation struct {
	ID         []byte // the hash of its token
	Purpose    string
	ClientHash []byte     // of what the client that started the flow has
	UserID     *uuid.UUID // whose account it continues; nil if there is none
	Data       []byte     // encrypted
	ValidFor   time.Duration
}

// OpenContinuation stores a flow.
func (t *Tx) OpenContinuation(ctx context.Context, c Continuation) error {
	return openContinuation(ctx, t.tx, c)
}

// OpenContinuation stores a flow.
func (t *SystemTx) OpenContinuation(ctx context.Context, c Continuation) error {
	return openContinuation(ctx, t.tx, c)
}

func openContinuation(ctx context.Context, tx runner, c Continuation) error {
	_, err := tx.ExecContext(ctx, `SELECT app.open_continuation($1, $2, $3, $4, $5, $6)`, c.ID, c.Purpose, c.ClientHash, c.UserID, c.Data, c.ValidFor.Seconds())
	if err != nil {
		return fmt.Errorf("open continuation: %w", err)
	}
	return nil
}

// FoundContinuation is a flow that can continue.
type FoundContinuation struct {
	UserID     *uuid.UUID `db:"user_id"`
	ClientHash []byte     `db:"client_hash"`
	Data       []byte     `db:"data"`
}

// FindContinuation returns the flow with this id and purpose that a client with one of the hashes has started. ok is false if there is
// none, or if it was used or has expired.
func (d *DB) FindContinuation(ctx context.Context, id []byte, purpose string, clientHashes ...[]byte) (f FoundContinuation, ok bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &f, `SELECT user_id, client_hash, data FROM app.find_continuation($1, $2, $3)`, id, purpose, pq.Array(clientHashes))
		ok = err == nil
		return unlessNone(err, "find continuation")
	})
	return f, ok, err
}

// UseContinuation uses up a flow. ok is false if that has happened already, or if it has expired.
func (t *Tx) UseContinuation(ctx context.Context, id []byte, purpose string) (ok bool, err error) {
	return useContinuation(ctx, t.tx, id, purpose)
}

// UseContinuation uses up a flow. ok is false if that has happened already, or if it has expired.
func (t *SystemTx) UseContinuation(ctx context.Context, id []byte, purpose string) (ok bool, err error) {
	return useContinuation(ctx, t.tx, id, purpose)
}

func useContinuation(ctx context.Context, tx runner, id []byte, purpose string) (ok bool, err error) {
	if err := tx.GetContext(ctx, &ok, `SELECT app.use_continuation($1, $2)`, id, purpose); err != nil {
		return false, fmt.Errorf("use continuation: %w", err)
	}
	return ok, nil
}
