package accounts

import (
	"context"
	cryptorand "crypto/rand"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// CheckRecipient reads the address in an input, such as input.email, to which a viewer sends a mail of a module, and counts the mail
// for the client and for the address. The error is BAD_USER_INPUT or RATE_LIMITED.
func (s *Service) CheckRecipient(ctx context.Context, kind mail.Kind, path, typed string) (input.Email, error) {
	if s.secrets == nil {
		return input.Email{}, fault.Input(path, "UNSUPPORTED", "This service sends no mail.")
	}
	to, _, err := s.Codes.CheckRecipient(ctx, kind, path, typed)
	return to, err
}

// NewSecret creates a secret for a link, and the id of the mail that contains it. Store auth.HashToken of the secret.
func (s *Service) NewSecret() (mailID uuid.UUID, secret string) {
	if s.secrets == nil { // nobody derives the secret again, since a second subgraph sends no mail
		return uuid.New(), cryptorand.Text()
	}
	return s.secrets.NewSecret()
}

// EnqueueMail puts a mail of a module into the outbox. Call CheckRecipient first.
func (s *Service) EnqueueMail(ctx context.Context, tx *db.Tx, m outbox.Mail) error {
	return s.Codes.Enqueue(ctx, tx, m)
}

// withholdsNotice counts a notice about a change of an account, and reports whether the notice must not be sent. A verified address
// gets each notice.
func (s *Service) withholdsNotice(ctx context.Context, kind mail.Kind, private *db.Private) (bool, error) {
	if private.EmailVerifiedAt != nil || private.Email == "" {
		return false, nil
	}
	to, _ := input.ReadEmail(private.Email)
	return s.limits.WithholdsNotice(ctx, kind, to.Key)
}

// checkLeave counts that an account leaves its address, unless the address is verified.
func (s *Service) checkLeave(ctx context.Context, private *db.Private) error {
	if private.EmailVerifiedAt != nil || private.Email == "" {
		return nil
	}
	left, _ := input.ReadEmail(private.Email)
	return s.limits.CheckLeave(ctx, left.Key)
}
