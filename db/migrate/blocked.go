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
	// behind the migration. It is shorter than their statement timeout, so they do not fail.
	lockTimeout = "1s"
	lockTries   = 100             // with the pauses, some five minutes
	lockPause   = 2 * time.Second // in which the requests that have queued run
)

// runUnblocked runs the migration. While another session holds a lock that it needs, it undoes everything, lets requests pass, and tries
// again. It calls notice for the first such try.
func (m *migration) runUnblocked(ctx context.Context, notice func(error)) error {
	for n := 1; ; n++ {
		err := explained(m.run(ctx))
		if !isBlocked(err) {
			return err
		}
		if n == 1 && notice != nil {
			notice(fmt.Errorf("migrate %s: %w", m.set.Name, err))
		}
		if n < lockTries {
			select {
			case <-time.After(lockPause):
				continue
			case <-ctx.Done():
			}
		}
		return fmt.Errorf("another session has held a lock since the migration began: wait until a backup or a long transaction has ended, "+
			"and migrate again: %w", err)
	}
}

// isBlocked reports whether a migration failed since another session held a lock, or waited for one of the migration.
func isBlocked(err error) bool {
	return pq.As(err, pqerror.LockNotAvailable, pqerror.TRDeadlockDetected) != nil
}
