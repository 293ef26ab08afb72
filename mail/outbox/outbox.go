// Package outbox owns what a mail is while it waits: what is put into the outbox, what a worker claims, and how an attempt ends.
// Package db stores these values, and package mail sends them, so neither has to know the other. It must not know how a mail is
// stored, rendered or sent, and imports nothing of freehold.
package outbox

import (
	"time"

	"github.com/google/uuid"
)

// Kind says what a mail is about. It names the mail's templates; package mail has the kinds.
type Kind string

// Mail is a mail to be put into the outbox. It holds no secret: the one-time code in it is derived from its ID when it is sent.
type Mail struct {
	ID        uuid.UUID // the seed of the code in it; uuid.Nil, for a mail without a code, means a new ID
	Kind      Kind
	UserID    uuid.UUID         // the account that it is about and is deleted with; uuid.Nil for a mail that outlives the account
	Recipient string            // one address
	CodeID    uuid.UUID         // of the one-time code in it; uuid.Nil for none
	ValidFor  time.Duration     // from now on, for a mail that is useless later, such as one with a code; 0 for a mail that does not expire
	Data      map[string]string // further values for the templates
	After     time.Duration     // how long it waits before the first attempt
	Withheld  bool              // it is stored, but never sent; storing it takes as long as storing one that is
}

// Claimed is a mail that one worker is to send.
type Claimed struct {
	ID        uuid.UUID
	Kind      Kind
	Recipient string
	HasCode   bool // whether it contains a one-time code, which is derived from its ID
	Data      map[string]string
	CreatedAt time.Time
	Attempt   int           // 1 for the first
	Expires   bool          // whether it is useless after a while
	ValidFor  time.Duration // from the claim on, if it expires; not positive if it has expired
}

// Outcome is how an attempt to send a mail ended.
type Outcome string

// The outcomes of an attempt.
const (
	Sent   Outcome = "sent"
	Failed Outcome = "failed" // a worker will retry it
	Parked Outcome = "parked" // no worker will retry it: it would be refused again, failed too often, or has expired
)

// Settled is the end of an attempt.
type Settled struct {
	ID      uuid.UUID
	Attempt int // as it was claimed
	Outcome Outcome
	RetryIn time.Duration // for a failed attempt
	Failure string        // the kind of failure, up to 100 bytes; never an address or a text; "" for none
}
