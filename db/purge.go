package db

import (
	"cmp"
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
	keep  time.Duration // 0 for what is said when it is called
	query string
}{
	{"outbox", 7 * 24 * time.Hour, `SELECT app.purge_outbox($1, $2)`}, // from when a mail was put there
	{"rate_limits", time.Hour, `SELECT app.purge_rate_limits($1, $2)`},
	{"security_events", 0, `SELECT app.purge_events($1, $2)`},
	{"codes", time.Hour, `SELECT app.purge_codes($1, $2)`},
	{"held_usernames", time.Hour, `SELECT app.purge_held_usernames($1, $2)`},
	{"sign_up_keys", 24 * time.Hour, `SELECT app.purge_sign_up_keys($1, $2)`},
	{"users", 24 * time.Hour, `SELECT app.purge_pending($1, $2)`}, // that were not verified in time
	{"sessions", 7 * 24 * time.Hour, `SELECT app.purge_sessions($1, $2)`},
}

// Purge deletes rows that are long over, and returns how many by table. Several instances may purge at once; each leaves
// to the others what they have in hand. A table that cannot be purged does not keep the others from it. Security events
// are kept for as long as is said, and of each kind only the newest of an account.
func (d *DB) Purge(ctx context.Context, keepEvents time.Duration, eventsOfAKind int) (deleted map[string]int, err error) {
	deleted = map[string]int{}
	var errs []error
	purge := func(table, query string, keep any) {
		for n := purgeBatch; n == purgeBatch; {
			err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
				return tx.tx.GetContext(ctx, &n, query, purgeBatch, keep)
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("purge %s: %w", table, err))
				return
			}
			deleted[table] += n
		}
	}
	for _, p := range purges {
		purge(p.table, p.query, cmp.Or(p.keep, keepEvents).Seconds())
	}
	purge("security_events", `SELECT app.purge_excess_events($1, $2)`, eventsOfAKind)
	return deleted, errors.Join(errs...)
}
