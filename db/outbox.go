package db

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Mail is a mail to be sent. It holds nothing secret: the one-time code in it is derived from the mail's id when it is sent.
type Mail struct {
	ID        uuid.UUID         // the seed of the code in it, see Code.Seed; uuid.Nil, for a mail without one, is a new id
	Kind      string            // names its templates
	UserID    uuid.UUID         // whose account it is about, and is deleted with; uuid.Nil for a mail that outlives the account
	Recipient string            // one address
	CodeID    uuid.UUID         // of the one-time code in it; uuid.Nil for none
	ValidFor  time.Duration     // from now on, for a mail that is no use later, such as one with a code; 0 for ever
	Data      map[string]string // further values for the templates
	After     time.Duration     // how long it waits before it is sent for the first time
	Withheld  bool              // nobody is to get it: it is written only because that must not be told from writing one that is sent
}

// EnqueueMail puts a mail into the outbox. It is sent after the transaction is committed, and not at all if it is undone.
func (t *SystemTx) EnqueueMail(ctx context.Context, m Mail) error { return enqueueMail(ctx, t.tx, m) }

// EnqueueMail is SystemTx.EnqueueMail in a viewer's transaction. Who the recipient is has no rule there: judge it before.
func (t *Tx) EnqueueMail(ctx context.Context, m Mail) error { return enqueueMail(ctx, t.tx, m) }

func enqueueMail(ctx context.Context, tx runner, m Mail) error {
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
	if m.After < time.Millisecond { // else there is nothing to send yet
		noteMail(ctx)
	}
	return nil
}

func nullable(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }

// ClaimedMail is a mail that this process is to send.
type ClaimedMail struct {
	ID        uuid.UUID
	Kind      string
	Recipient string
	HasCode   bool // whether there is a one-time code in it, which is derived from ID
	Data      map[string]string
	CreatedAt time.Time
	Attempt   int           // 1 for the first
	Expires   bool          // whether it is no use some time
	ValidFor  time.Duration // from now on, if it expires; not positive when it is no use any more
}

// ClaimMails claims up to limit mails that are due, the longest waiting first, for the time of the lease. Nobody else
// gets them until then; see SettleMail.
func (d *DB) ClaimMails(ctx context.Context, limit int, lease time.Duration) ([]ClaimedMail, error) {
	var rows []struct {
		ID        uuid.UUID
		Kind      string
		Recipient string
		HasCode   bool `db:"has_code"`
		Data      []byte
		CreatedAt time.Time `db:"created_at"`
		Attempt   int
		Valid     *float64 `db:"valid_seconds"`
	}
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		rows = nil // of an attempt that was undone
		return tx.tx.SelectContext(ctx, &rows, `
			SELECT id, kind, recipient, has_code, data, created_at, attempt, valid_seconds
			  FROM app.claim_mails($1, $2)`, limit, lease.Seconds())
	})
	if err != nil {
		return nil, fmt.Errorf("claim mails: %w", err)
	}
	mails := make([]ClaimedMail, len(rows))
	for i, r := range rows {
		mails[i] = ClaimedMail{ID: r.ID, Kind: r.Kind, Recipient: r.Recipient, HasCode: r.HasCode, CreatedAt: r.CreatedAt, Attempt: r.Attempt}
		if r.Valid != nil {
			mails[i].Expires, mails[i].ValidFor = true, time.Duration(*r.Valid*float64(time.Second))
		}
		if err := json.Unmarshal(r.Data, &mails[i].Data); err != nil {
			return nil, fmt.Errorf("claim mails: read the values of %s: %w", r.ID, err)
		}
	}
	return mails, nil
}

// MailOutcome is what became of an attempt to send a mail.
type MailOutcome string

// The outcomes that app.settle_mail takes.
const (
	MailSent   MailOutcome = "sent"
	MailRetry  MailOutcome = "retry"  // it is to be tried again
	MailParked MailOutcome = "parked" // given up
)

// SettledMail is the end of an attempt.
type SettledMail struct {
	ID      uuid.UUID
	Attempt int // as it was claimed
	Outcome MailOutcome
	RetryIn time.Duration
	Failure string // the kind of failure, up to 100 bytes; never an address or a text
}

// SettleMail notes what became of a claimed mail. It reports whether that was noted: not if the mail is gone, or was
// claimed by somebody else since the lease has ended. That it was sent is noted even then.
func (d *DB) SettleMail(ctx context.Context, s SettledMail) (noted bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &noted, `SELECT app.settle_mail($1, $2, $3, $4, NULLIF($5, ''))`,
			s.ID, s.Attempt, s.Outcome, s.RetryIn.Seconds(), s.Failure)
	})
	if err != nil {
		return false, fmt.Errorf("settle mail: %w", err)
	}
	return noted, nil
}

// CountWaitingMails returns how many mails are neither sent nor given up.
func (d *DB) CountWaitingMails(ctx context.Context) (n int, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &n, `SELECT app.count_waiting_mails()`)
	})
	if err != nil {
		return 0, fmt.Errorf("count waiting mails: %w", err)
	}
	return n, nil
}
