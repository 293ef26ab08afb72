package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
)

// Bucket limits how many hits are allowed in a window. The window starts with the first hit.
type Bucket struct {
	Name   string
	Limit  int
	Window time.Duration
}

// Counted is the result of CountHits.
type Counted struct {
	Closed time.Duration // until a hit is allowed again; 0 if the hit was counted
	Full   time.Duration // until the next hit is allowed after this one; 0 if it is allowed now
}

// CountHits counts a hit in each of the buckets, whose names must differ. If one of them is full, it counts in none. Concurrent calls
// are counted one by one. If the connection is lost, the hit may be counted twice.
func (d *DB) CountHits(ctx context.Context, buckets ...Bucket) (counted Counted, err error) {
	err = d.writeOne(ctx, auth.Viewer{}, func(ctx context.Context, tx *Tx) (err error) {
		counted, err = tx.CountHits(ctx, buckets...)
		return err
	})
	return counted, err
}

// CountHits is DB.CountHits in the transaction. A rollback undoes the count.
func (t *Tx) CountHits(ctx context.Context, buckets ...Bucket) (Counted, error) {
	names, limits := split(buckets)
	windows := make([]int64, len(buckets))
	for i, b := range buckets {
		windows[i] = int64(seconds(b.Window))
	}
	var row struct {
		Bucket sql.NullString `db:"full_bucket"`
		Closed int            `db:"closed_seconds"`
		Full   int            `db:"full_seconds"`
	}
	err := t.Get(ctx, &row, `SELECT full_bucket, closed_seconds, full_seconds FROM app.count_attempt($1, $2, $3)`, pq.Array(names), pq.Array(limits), pq.Array(windows))
	if err != nil {
		return Counted{}, fmt.Errorf("count hits: %w", err)
	}
	if row.Bucket.Valid {
		noteLimit(ctx, row.Bucket.String)
	}
	return Counted{Closed: time.Duration(row.Closed) * time.Second, Full: time.Duration(row.Full) * time.Second}, nil
}

func split(buckets []Bucket) (names []string, limits []int64) {
	for _, b := range buckets {
		names, limits = append(names, b.Name), append(limits, int64(b.Limit))
	}
	return names, limits
}

// FindRateLimitedUntil returns the time until which one of the buckets is full, and counts nothing. It returns nil if none is full, or
// if the viewer is another user.
func (t *Tx) FindRateLimitedUntil(ctx context.Context, userID uuid.UUID, buckets ...Bucket) (until *time.Time, err error) {
	names, limits := split(buckets)
	if err := t.Get(ctx, &until, `SELECT app.rate_limited_until($1, $2, $3)`, userID, pq.Array(names), pq.Array(limits)); err != nil {
		return nil, fmt.Errorf("find until when a rate limit applies: %w", err)
	}
	return until, nil
}

// HasHits reports whether a bucket has hits in its current window.
func (d *DB) HasHits(ctx context.Context, bucket string) (has bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &has, `SELECT app.has_hits($1)`, bucket)
	})
	if err != nil {
		return false, fmt.Errorf("find hits: %w", err)
	}
	return has, nil
}

// IsEmailVerified reports whether the owner of an account has verified a normalised e-mail.
func (d *DB) IsEmailVerified(ctx context.Context, emailKey string) (verified bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &verified, `SELECT app.is_email_verified($1)`, emailKey)
	})
	if err != nil {
		return false, fmt.Errorf("find whether an e-mail is verified: %w", err)
	}
	return verified, nil
}

// ClearHits deletes the hits of buckets.
func (d *DB) ClearHits(ctx context.Context, buckets ...string) error {
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		for _, bucket := range buckets {
			if _, err := tx.tx.ExecContext(ctx, `SELECT app.clear_hits($1)`, bucket); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear hits: %w", err)
	}
	return nil
}

// IsKnownClient reports whether a client in a block of IP addresses has signed in to the account of a normalised e-mail before.
func (d *DB) IsKnownClient(ctx context.Context, emailKey, block string) (known bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) (err error) {
		known, err = tx.AsAnonymous().IsKnownClient(ctx, emailKey, block)
		return err
	})
	return known, err
}

// IsKnownClient is DB.IsKnownClient in a transaction.
func (t *Tx) IsKnownClient(ctx context.Context, emailKey, block string) (known bool, err error) {
	if err := t.Get(ctx, &known, `SELECT app.is_known_client($1, $2)`, emailKey, block); err != nil {
		return false, fmt.Errorf("find whether a client is known: %w", err)
	}
	return known, nil
}
