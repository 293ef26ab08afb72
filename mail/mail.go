// Package mail owns what the service sends by email: the kinds of mails and their templates, the worker that sends what waits in the
// outbox, the connection to an SMTP server, and the mailbox for developers. Each mail has exactly one recipient. It must not know where
// the outbox is stored, how a one-time code is derived, or who has sent a request: no SQL, no keys, no request. So links come from the
// configuration only, and a code exists only in its mail.
//
// # The outbox
//
// The transaction that causes a mail also stores it, so either both happen or neither does. Workers, one for each instance, send the
// stored mails:
//
//	COMMIT ──► waiting ──► claimed by one worker, until a lease ends
//	              ▲          ├─ the mail server accepts the mail ──────────────► sent
//	              ├──────────┼─ the attempt fails: due again after a pause
//	              └──────────┼─ the worker dies: due again after the lease
//	                         └─ refused permanently, expired, 20 attempts ─────► parked
//
// A worker checks the outbox every second, and after a Nudge, which follows each COMMIT that has stored a mail.
//
// A claim belongs to one worker until its lease ends, so that no two workers send the same mail. One duplicate is possible: a worker
// dies after it has sent a mail and before it records that. The next worker sends the mail again, with the same Message-ID and the same
// code. The purge
// of the database deletes sent and parked mails after a while.
package mail

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/address"
	"freehold.dev/freehold/mail/outbox"
)

// Kind says what a mail is about, and names its templates.
type Kind = outbox.Kind

// The kinds of mails.
const (
	VerifyEmail     Kind = "verify_email"      // a code that proves the address of an account
	ChangeEmail     Kind = "change_email"      // a code that proves the address that an account is to have
	ResetPassword   Kind = "reset_password"    // a code for a new password
	SignInCode      Kind = "sign_in_code"      // a code that signs in, or signs up if no account has the address
	AddressTaken    Kind = "address_taken"     // somebody used the address for a sign-up or a change, but another account has it
	PasswordChanged Kind = "password_changed"  // to the account's address
	EmailChangedOld Kind = "email_changed_old" // to the address that the account had
	EmailChangedNew Kind = "email_changed_new" // to the address that it has now
	AccountDeleted  Kind = "account_deleted"

	CredentialAdded   Kind = "credential_added"   //nolint:gosec // the name of a kind; to the account's address
	CredentialRemoved Kind = "credential_removed" //nolint:gosec // as above
	RecoveryCodeUsed  Kind = "recovery_code_used"
)

// kinds has the properties of each kind: whether the mail contains a one-time code, and which further values its templates can
// use. A mail to an address that may not be verified has no value that somebody else has chosen. A username, for example, would
// be enough for advertising.
var kinds = map[Kind]about{
	VerifyEmail:     {code: true},
	ChangeEmail:     {code: true},
	ResetPassword:   {code: true, data: []string{"username", "operator"}}, // operator: "An operator" if one has requested it
	SignInCode:      {code: true},
	AddressTaken:    {},
	PasswordChanged: {data: []string{"username"}},
	EmailChangedOld: {data: []string{"username"}},
	EmailChangedNew: {data: []string{"username"}},
	AccountDeleted:  {data: []string{"username"}},

	CredentialAdded:   {data: []string{"username", "credential"}}, // credential: such as "a passkey"
	CredentialRemoved: {data: []string{"username", "credential"}},
	RecoveryCodeUsed:  {data: []string{"username", "left"}}, // left: how many codes are left
}

// IsOwn reports whether a kind is one of freehold's, which are about the account that has the address, and not one of a module.
func IsOwn(kind Kind) bool {
	_, own := kinds[kind]
	return own
}

// about has the properties of a kind.
type about struct {
	code   bool
	secret bool // whether the code is a secret: see Extra
	data   []string
}

// Extra is a kind of mails that a module adds. Such a mail has no values that a user has chosen, since anybody can be its recipient.
type Extra struct {
	Kind   Kind
	Secret bool   // whether the mail contains a secret instead of a one-time code: {{.Code}} is auth.Secrets.Secret of the mail's id
	Page   string // of the front end, which accepts the secret, such as /invitation#code={code}; "" for none
	Files  fs.FS  // with the templates <kind>.txt and <kind>.html
}

// Message is a rendered mail.
type Message struct {
	ID        uuid.UUID
	MessageID string // without angle brackets; the same if the mail is sent again
	Kind      Kind
	To        address.Address
	Date      time.Time
	Subject   string
	Text      string
	HTML      string
	Code      string // the one-time code; "" for kinds without one
	Link      string // to the page that accepts the code, with the code; "" for none
}

// Sender sends a message to its recipient. Send returns before ctx ends. Its error is a *Failure, or another error, which the
// worker retries. It must be safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Failure is why a message was not sent.
type Failure struct {
	Kind      string // a few words for the outbox, without any address, name or text of the message
	Permanent bool   // whether a retry is useless
	Detail    string // for the log: about the connection to the server, never about the message
}

func (f *Failure) Error() string {
	if f.Detail != "" {
		return fmt.Sprintf("send mail: %s: %s", f.Kind, f.Detail)
	}
	return "send mail: " + f.Kind
}
