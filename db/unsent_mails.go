package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/mail/outbox"
)

// UnsentMail is a mail that was not sent, as the command line shows it. The command line sees no withheld mails, which are addressed to
// nobody: they only make a request for an unknown address take as long as any other.
type UnsentMail struct {
	ID            uuid.UUID   `db:"id"`
	Kind          outbox.Kind `db:"kind"`
	UserID        *uuid.UUID  `db:"user_id"`  // of the account that it is about, or that its code belongs to; nil if there is none
	Username      *string     `db:"username"` // of that account
	Recipient     string      `db:"recipient"`
	CreatedAt     time.Time   `db:"created_at"`
	ExpiresAt     *time.Time  `db:"expires_at"`
	Attempts      int         `db:"attempts"`
	NextAttemptAt time.Time   `db:"next_attempt_at"` // without meaning for a parked one
	ParkedAt      *time.Time  `db:"parked_at"`       // nil for one that waits
	LastError     *string     `db:"last_error"`

	HasCode  bool    `db:"has_code"`
	CodeGone bool    `db:"code_gone"` // whether that code was used, replaced or deleted, if freehold has created it
	Address  *string `db:"address"`   // that the account has now
	Expired  bool    `db:"expired"`
}

// unsentMails selects mails that wait or are parked. Its WHERE can be continued.
const unsentMails = `
	SELECT o.id, o.kind, p.user_id, p.username, o.recipient, o.created_at, o.expires_at, o.attempts, o.next_attempt_at, o.parked_at, o.last_error,
	       o.code_id IS NOT NULL AS has_code, k.id IS NULL OR k.expires_at <= clock_timestamp() AS code_gone, u.email AS address,
	       COALESCE(o.expires_at <= clock_timestamp(), false) AS expired
	  FROM app.outbox o
	  LEFT JOIN app.codes k ON k.id = o.code_id
	  LEFT JOIN app.profiles p ON p.user_id = COALESCE(o.user_id, k.user_id)
	  LEFT JOIN app.user_private u ON u.user_id = p.user_id
	 WHERE o.sent_at IS NULL AND o.last_error IS DISTINCT FROM 'withheld'`

// FindUnsentMails returns up to limit mails that were not sent, the oldest first: those that wait, or those that are parked, or both if
// parked is nil. Only the owner role can run it.
func (t *SystemTx) FindUnsentMails(ctx context.Context, parked *bool, limit int) (found []UnsentMail, err error) {
	err = t.tx.SelectContext(ctx, &found, unsentMails+`
		   AND ($1::boolean IS NULL OR (o.parked_at IS NOT NULL) = $1) ORDER BY o.created_at, o.id LIMIT $2`, parked, limit)
	if err != nil {
		return nil, fmt.Errorf("find mails: %w", err)
	}
	return found, nil
}

// LockUnsentMails returns those of the mails with these ids that were not sent, and locks them. With nil, it returns all parked ones. Only
// the owner role can run it.
func (t *SystemTx) LockUnsentMails(ctx context.Context, ids []uuid.UUID) (found []UnsentMail, err error) {
	err = t.tx.SelectContext(ctx, &found, unsentMails+`
		   AND CASE WHEN $1::uuid[] IS NULL THEN o.parked_at IS NOT NULL ELSE o.id = ANY ($1) END ORDER BY o.created_at, o.id FOR UPDATE OF o`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("find mails: %w", err)
	}
	return found, nil
}

// RetryMails makes parked mails due now, as if they had never been tried. Only the owner role can run it.
func (t *SystemTx) RetryMails(ctx context.Context, ids []uuid.UUID) error {
	_, err := t.tx.ExecContext(ctx, `
		UPDATE app.outbox SET parked_at = NULL, last_error = NULL, attempts = 0, next_attempt_at = clock_timestamp()
		 WHERE id = ANY ($1) AND sent_at IS NULL AND parked_at IS NOT NULL`, pq.Array(ids))
	if err != nil {
		return fmt.Errorf("retry mails: %w", err)
	}
	return nil
}

// DropMails deletes mails that were not sent. Only the owner role can run it.
func (t *SystemTx) DropMails(ctx context.Context, ids []uuid.UUID) error {
	if _, err := t.tx.ExecContext(ctx, `DELETE FROM app.outbox WHERE id = ANY ($1) AND sent_at IS NULL`, pq.Array(ids)); err != nil {
		return fmt.Errorf("drop mails: %w", err)
	}
	return nil
}
