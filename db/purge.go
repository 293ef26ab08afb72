package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// purgeBatch is the maximum number of rows that one transaction deletes, so that each is short.
const purgeBatch = 1000

// kept says how long the rows of a table are kept after their end, which app.purge defines for each table.
var kept = []struct {
	table string
	keep  time.Duration // 0 for the argument of Purge
}{
	{"outbox", 7 * 24 * time.Hour},
	{"rate_limits", time.Hour},
	{"security_events", 0},
	{"codes", time.Hour},
	{"held_usernames", time.Hour},
	{"sign_up_keys", 24 * time.Hour},
	{"users", 24 * time.Hour}, // expired pending sign-ups
	{"sessions", 7 * 24 * time.Hour},
}

// Purge deletes expired rows and returns how many, by table. Several instances may purge at once; none waits for rows that another
// one deletes. If one table fails, Purge still purges the others. It keeps security events for keepEvents, and only the newest
// eventsOfAKind of each kind and account.
func (d *DB) Purge(ctx context.Context, keepEvents time.Duration, eventsOfAKind int) (deleted map[string]int, err error) {
	deleted = map[string]int{}
	var errs []error
	purge := func(table, query string, args ...any) {
		for n := purgeBatch; n == purgeBatch; {
			err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
				return tx.tx.GetContext(ctx, &n, query, args...)
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("purge %s: %w", table, err))
				return
			}
			deleted[table] += n
		}
	}
	for _, k := range kept {
		if !d.HasAccounts() && k.table != "rate_limits" {
			continue // the database has no such table
		}
		purge(k.table, `SELECT app.purge($1, $2, $3)`, k.table, purgeBatch, cmp.Or(k.keep, keepEvents).Seconds())
	}
	if !d.HasAccounts() {
		return deleted, errors.Join(errs...)
	}
	purge("security_events", `SELECT app.purge_excess_events($1, $2)`, purgeBatch, eventsOfAKind)
	return deleted, errors.Join(errs...)
}
