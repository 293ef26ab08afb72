package accounts

import (
	"context"
	"math/rand/v2"
	"time"

	"freehold.dev/freehold/db"
)

// mailLatest is how long a mail waits at most before it is sent, if the settings do not say.
const mailLatest = 3 * time.Second

type outbox interface {
	EnqueueMail(ctx context.Context, m db.Mail) error
}

// enqueue puts a mail into the outbox, to be sent after a random while. If it were sent at once, the next request would take
// longer, which would tell that there is somebody to send it to.
func (s *Service) enqueue(ctx context.Context, tx outbox, m db.Mail) error {
	latest := s.config.MailLatest
	if latest == 0 {
		latest = mailLatest
	}
	m.After = latest/6 + rand.N(latest-latest/6) //nolint:gosec // nobody can see enough of it to guess the next
	return tx.EnqueueMail(ctx, m)
}
