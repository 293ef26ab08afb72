package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// purgeBatch is how many rows one transaction deletes, so that none is long.
const purgeBatch = 1000

// purges say of each table whose rows end how long they are kept after that. A further table joins by a definer function
// of the same form and a line here.
var purges = []struct {
	table string
	keep  time.Duration
	query string
}{
	{"outbox", 7 * 24 * time.Hour, `SELECT app.purge_outbox($1, $2)`}, // from when a mail was put there
	{"rate_limits", time.Hour, `SELECT app.purge_rate_limits($1, $2)`},
	{"sessions", 7 * 24 * time.Hour, `SELECT app.purge_sessions($1, $2)`},
}

// Purge deletes rows that are long over, and returns how many by table. Several instances may purge at once; each leaves
// to the others what they have in hand. A table that cannot be purged does not keep the others from it.
func (d *DB) Purge(ctx context.Context) (deleted map[string]int, err error) {
	deleted = map[string]int{}
	var errs []error
	for _, p := range purges {
		for n := purgeBatch; n == purgeBatch; {
			err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
				return tx.tx.GetContext(ctx, &n, p.query, purgeBatch, p.keep.Seconds())
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("purge %s: %w", p.table, err))
				break
			}
			deleted[p.table] += n
		}
	}
	return deleted, errors.Join(errs...)
}
