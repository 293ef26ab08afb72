package db

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/outbox"
)

// EnqueueMail puts a mail into the outbox. A worker sends it after the transaction has committed, and never if it rolls back.
func (t *SystemTx) EnqueueMail(ctx context.Context, m outbox.Mail) error {
	return enqueueMail(ctx, t.tx, m)
}

// EnqueueMail is SystemTx.EnqueueMail in a viewer's transaction. No row policy restricts the recipient: validate it first.
func (t *Tx) EnqueueMail(ctx context.Context, m outbox.Mail) error { return enqueueMail(ctx, t.tx, m) }

func enqueueMail(ctx context.Context, tx runner, m outbox.Mail) error {
	if m.ID == uuid.Nil {
		m.ID = uuid.New()
	}
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	data, err := json.Marshal(m.Data)
	if err != nil {
		return fmt.Errorf("enqueue mail: %w", err)
	}
	var valid *float64
	if m.ValidFor > 0 {
		seconds := m.ValidFor.Seconds()
		valid = &seconds
	}
	_, err = tx.ExecContext(ctx, `SELECT app.enqueue_mail($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		m.ID, m.Kind, nullable(m.UserID), m.Recipient, nullable(m.CodeID), data, valid, m.After.Seconds(), m.Withheld)
	if err != nil {
		return fmt.Errorf("enqueue mail: %w", err)
	}
	if m.After < time.Millisecond { // otherwise it is not due yet
		noteMail(ctx)
	}
	return nil
}

func nullable(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }

// ClaimMails claims up to limit mails that are due, the longest waiting first. No other worker gets them until the lease ends; see
// SettleMail.
func (d *DB) ClaimMails(ctx context.Context, limit int, lease time.Duration) ([]outbox.Claimed, error) {
	var rows []struct {
		ID        uuid.UUID
		Kind      outbox.Kind
		Recipient string
		HasCode   bool `db:"has_code"`
		Data      []byte
		CreatedAt time.Time `db:"created_at"`
		Attempt   int
		Valid     *float64 `db:"valid_seconds"`
	}
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		rows = nil // from an attempt that was rolled back
		return tx.tx.SelectContext(ctx, &rows, `
			SELECT id, kind, recipient, has_code, data, created_at, attempt, valid_seconds
			  FROM app.claim_mails($1, $2)`, limit, lease.Seconds())
	})
	if err != nil {
		return nil, fmt.Errorf("claim mails: %w", err)
	}
	mails := make([]outbox.Claimed, len(rows))
	for i, r := range rows {
		mails[i] = outbox.Claimed{ID: r.ID, Kind: r.Kind, Recipient: r.Recipient, HasCode: r.HasCode, CreatedAt: r.CreatedAt, Attempt: r.Attempt}
		if r.Valid != nil {
			mails[i].Expires, mails[i].ValidFor = true, time.Duration(*r.Valid*float64(time.Second))
		}
		if err := json.Unmarshal(r.Data, &mails[i].Data); err != nil {
			return nil, fmt.Errorf("claim mails: read the data of %s: %w", r.ID, err)
		}
	}
	return mails, nil
}

// SettleMail records how an attempt ended. It reports false if it recorded nothing: the mail was deleted, or the lease has ended and
// another worker has claimed it. It records that a mail was sent even then.
func (d *DB) SettleMail(ctx context.Context, s outbox.Settled) (recorded bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &recorded, `SELECT app.settle_mail($1, $2, $3, $4, NULLIF($5, ''))`,
			s.ID, s.Attempt, s.Outcome, s.RetryIn.Seconds(), s.Failure)
	})
	if err != nil {
		return false, fmt.Errorf("settle mail: %w", err)
	}
	return recorded, nil
}

// OutboxState is what the outbox has.
type OutboxState struct {
	Waiting int     // mails that are neither sent nor parked
	Oldest  float64 `db:"oldest_seconds"` // for how many seconds the oldest of them has waited; 0 if none waits
	Parked  int     // mails that no worker will retry, without those that are withheld
}

// OutboxState counts the mails of the outbox.
func (d *DB) OutboxState(ctx context.Context) (s OutboxState, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &s, `SELECT waiting, oldest_seconds, parked FROM app.outbox_state()`)
	})
	if err != nil {
		return OutboxState{}, fmt.Errorf("count the mails of the outbox: %w", err)
	}
	return s, nil
}
