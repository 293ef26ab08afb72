// Package mail owns what is sent by e-mail: the kinds of mails and their templates, the worker that sends what waits in
// an outbox, the way to an SMTP server, and the mailbox in which a developer reads instead. Each mail goes to exactly one
// recipient. It must not know where the outbox is kept, how a one-time code is made, or who asked: no SQL, no keys, no
// request. So links come from the configuration only, and a code is nowhere but in its mail.
package mail

import (
	"context"
	"fmt"
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
	AddressTaken    Kind = "address_taken"     // somebody wants an account to have the address that another has
	PasswordChanged Kind = "password_changed"  // to the account's address
	EmailChangedOld Kind = "email_changed_old" // to the address that the account had
	EmailChangedNew Kind = "email_changed_new" // to the address that it has now
	AccountDeleted  Kind = "account_deleted"
)

// kinds say what each kind tells: whether there is a one-time code in it, and which further values its templates may
// use. The mails that go to an address which nobody has proved yet have no value that somebody else has chosen: a
// username is enough to advertise with.
var kinds = map[Kind]struct {
	code bool
	data []string
}{
	VerifyEmail:     {code: true},
	ChangeEmail:     {code: true},
	ResetPassword:   {code: true, data: []string{"username"}},
	AddressTaken:    {},
	PasswordChanged: {data: []string{"username"}},
	EmailChangedOld: {data: []string{"username"}},
	EmailChangedNew: {data: []string{"username"}},
	AccountDeleted:  {data: []string{"username"}},
}

// Message is a mail, ready to be sent.
type Message struct {
	ID        uuid.UUID
	MessageID string // without angle brackets; the same when the mail is sent again
	Kind      Kind
	To        address.Address
	Date      time.Time
	Subject   string
	Text      string
	HTML      string
	Link      string // to the page that takes the code, with the code in it; "" for none
}

// Sender brings a message to its recipient. It returns within the time of ctx. An error is a *Failure, or else one that
// may pass. It may be called by several goroutines at once.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Failure is why a message was not sent.
type Failure struct {
	Kind      string // what is noted of it: a few words without any address, name or text of the message
	Permanent bool   // whether the message would be refused again
	Detail    string // for the log, if there is more to say: about the way to the server, never about the message
}

func (f *Failure) Error() string {
	if f.Detail != "" {
		return fmt.Sprintf("send mail: %s: %s", f.Kind, f.Detail)
	}
	return "send mail: " + f.Kind
}
