package accounts

import (
	"context"
	"math/rand/v2"
	"time"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// mailLatest is how long a mail waits at most before it is sent, if the settings do not say.
const mailLatest = 3 * time.Second

type enqueuer interface {
	EnqueueMail(ctx context.Context, m outbox.Mail) error
}

// enqueue puts a mail into the outbox, to be sent after a random while. If it were sent at once, the next request would take
// longer, which would tell that there is somebody to send it to.
func (s *Service) enqueue(ctx context.Context, tx enqueuer, m outbox.Mail) error {
	latest := s.config.MailLatest
	if latest == 0 {
		latest = mailLatest
	}
	m.After = latest/6 + rand.N(latest-latest/6) //nolint:gosec // nobody can see enough of it to guess the next
	return tx.EnqueueMail(ctx, m)
}

// withholdsNotice counts a notice about a change of an account, and reports whether the notice must not be sent. A verified address
// gets each notice.
func (s *Service) withholdsNotice(ctx context.Context, kind mail.Kind, private *db.Private) (bool, error) {
	if private.EmailVerifiedAt != nil {
		return false, nil
	}
	to, _ := input.ReadEmail(private.Email)
	return s.limits.WithholdsNotice(ctx, kind, to.Key)
}

// checkLeave counts that an account leaves its address, unless the address is verified.
func (s *Service) checkLeave(ctx context.Context, private *db.Private) error {
	if private.EmailVerifiedAt != nil {
		return nil
	}
	left, _ := input.ReadEmail(private.Email)
	return s.limits.CheckLeave(ctx, left.Key)
}
