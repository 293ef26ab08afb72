package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const (
	// lockTimeout is how long a migration waits for a lock that another session holds, such as that of pg_dump. Meanwhile, requests queue
	// behind the migration. It is shorter than their default statement timeout, so they do not fail. It is longer than the default
	// deadlock_timeout, after which PostgreSQL cancels an autovacuum that holds the lock.
	lockTimeout = "2s"
	lockPause   = 2 * time.Second // in which the requests that have queued run
	lockLatest  = 5 * time.Minute // when the last try begins
)

// runUnblocked runs the migration. While another session holds a lock that it needs, it undoes everything, lets requests pass, and tries
// again. It calls notice for the first such try. It does not repeat migrations without a transaction, which cannot be undone.
func (m *migration) runUnblocked(ctx context.Context, notice func(error)) error {
	for begun, first := time.Now(), true; ; first = false {
		err := explained(m.run(ctx))
		if m.failedAlone || pq.As(err, pqerror.LockNotAvailable, pqerror.TRDeadlockDetected) == nil {
			return err
		}
		if first && notice != nil {
			notice(fmt.Errorf("migrate %s: %w", m.set.Name, err))
		}
		if time.Since(begun) > lockLatest {
			return fmt.Errorf("another session still holds a lock, such as a backup or a long transaction; migrate again when it has ended: %w", err)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return fmt.Errorf("%w while another session held a lock: %w", ctx.Err(), err)
		}
	}
}
