// Package codes owns one-time codes that are sent by mail: who may request one, how it is created, sent, typed and found, and how often
// it may be guessed. It also puts other mails of accounts into the outbox. It must not know what a code is good for.
package codes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// ErrInvalid is the one answer to every code that cannot be used.
var ErrInvalid = input.InvalidCode.At("input.code")

// Config holds the settings of codes.
type Config struct {
	Lifetime   time.Duration // of a code
	MailLatest time.Duration // a mail is sent after a random time, between a sixth of this and all of it; 0 means 3 s
}

// mailLatest is the default of Config.MailLatest.
const mailLatest = 3 * time.Second

// Service has what the use cases of codes share.
type Service struct {
	db      *db.DB
	secrets *auth.Secrets
	limits  *limits.Limiter
	config  Config
}

// New returns the service.
func New(d *db.DB, secrets *auth.Secrets, l *limits.Limiter, c Config) *Service {
	return &Service{db: d, secrets: secrets, limits: l, config: c}
}

// Request sends a code to the account of an address. It stores the same for every address, so that neither the response nor its time
// reveals whether the address has an account. The worker sends the mail later.
func (s *Service) Request(ctx context.Context, email string, purpose db.Purpose, kind mail.Kind) error {
	to, atLeast, err := s.CheckRecipient(ctx, kind, "input.email", email)
	if err != nil {
		return err
	}
	code := s.New(purpose, to, atLeast)
	if purpose == db.ResetPassword {
		withheld, err := s.limits.WithholdsReset(ctx, to.Key)
		if err != nil {
			return fmt.Errorf("request a code: %w", err)
		}
		if withheld {
			code.EmailKey = unowned + code.EmailKey
		}
	}
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		recipient, err := tx.RequestCode(ctx, code)
		if err != nil {
			return err
		}
		return s.Enqueue(ctx, tx, Mail(kind, code, recipient))
	})
	if err != nil {
		return fmt.Errorf("request a code: %w", err)
	}
	return nil
}

// unowned turns a normalised address into one that no account can have. A code for it does not replace another code.
const unowned = " "

// CheckRequest counts a request for a code by a client.
func (s *Service) CheckRequest(ctx context.Context) error { return s.limits.CheckCodeRequest(ctx) }

// CountMail counts a mail of a kind to an address, which stands at a path of the input. It returns the minimum lifetime of the code in
// it: as long as the limits permit no further code.
func (s *Service) CountMail(ctx context.Context, kind mail.Kind, path string, to input.Email) (atLeast time.Duration, err error) {
	counted, err := s.limits.CountMail(ctx, kind, to.Key)
	if err != nil {
		return 0, err
	}
	return counted.Full, fault.LimitAt(path, limits.Exceeded(counted))
}

// CheckRecipient is CheckRequest and CountMail, and reads the address.
func (s *Service) CheckRecipient(ctx context.Context, kind mail.Kind, path, typed string) (to input.Email, atLeast time.Duration, err error) {
	if err := s.CheckRequest(ctx); err != nil {
		return input.Email{}, 0, err
	}
	to, flaw := input.ReadEmail(typed)
	if !flaw.IsZero() {
		return input.Email{}, 0, flaw.At(path)
	}
	atLeast, err = s.CountMail(ctx, kind, path, to)
	return to, atLeast, err
}

// New creates a code for an address, with a minimum lifetime.
func (s *Service) New(purpose db.Purpose, to input.Email, atLeast time.Duration) db.Code {
	seed, id := s.secrets.NewCode(string(purpose), to.Key)
	return db.Code{ID: id, Seed: seed, Purpose: purpose, Email: to.Text, EmailKey: to.Key, ValidFor: max(s.config.Lifetime, atLeast)}
}

// Mail returns the mail that contains a code.
func Mail(kind mail.Kind, code db.Code, to db.Recipient) outbox.Mail {
	m := outbox.Mail{ID: code.Seed, Kind: kind, Recipient: to.Email, CodeID: code.ID, ValidFor: code.ValidFor, Withheld: !to.Known}
	if kind == mail.ResetPassword {
		m.Data = map[string]string{"username": to.Username}
	}
	return m
}

// Tx is a transaction, of a viewer or of the system.
type Tx interface {
	EnqueueMail(ctx context.Context, m outbox.Mail) error
}

// Enqueue puts a mail into the outbox, unless its recipient is an account without an address. It is due after a random time. If it were
// due immediately, the next request would take longer, which would reveal that the mail has a recipient.
func (s *Service) Enqueue(ctx context.Context, tx Tx, m outbox.Mail) error {
	if m.Recipient == "" {
		return nil
	}
	latest := s.config.MailLatest
	if latest == 0 {
		latest = mailLatest
	}
	m.After = latest/6 + rand.N(latest-latest/6) //nolint:gosec // no secret: an observer sees too little of it to predict more
	return tx.EnqueueMail(ctx, m)
}

// CheckGuess returns the key of the address to which a code was sent, and counts the guess at the code. If the address is invalid, it
// returns "" and adds the faults of the address and the code.
func (s *Service) CheckGuess(ctx context.Context, faults *fault.Faults, email, typed string) (key string, err error) {
	to, flaw := input.ReadEmail(email)
	if !flaw.IsZero() {
		faults.Add("input.email", flaw)
		faults.Add("input.code", input.ValidateCode(typed))
		return "", nil
	}
	if err := s.limits.CheckCodeTry(ctx); err != nil {
		return "", err
	}
	return to.Key, fault.LimitAt("input.code", s.limits.CheckCodeGuess(ctx, to.Key))
}

// ForgetGuesses forgets the guesses of the client at the codes of an address, after a right one.
func (s *Service) ForgetGuesses(ctx context.Context, emailKey string) error {
	return s.limits.Forget(ctx, s.limits.CodeGuesses(ctx, emailKey))
}

// IDs returns the ids that a typed code can have.
func (s *Service) IDs(purpose db.Purpose, emailKey, typed string) []uuid.UUID {
	return s.secrets.CodeIDs(string(purpose), emailKey, typed)
}

// Find returns a code that was sent to an address. The error is ErrInvalid if the code is invalid or has expired. Call CheckGuess first.
func (s *Service) Find(ctx context.Context, purpose db.Purpose, emailKey, typed string) (db.SentCode, error) {
	code, ok, err := s.db.FindCode(ctx, purpose, emailKey, s.IDs(purpose, emailKey, typed))
	if err == nil && !ok {
		err = ErrInvalid
	}
	return code, err
}
