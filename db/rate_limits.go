package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// CountHit counts one more in a bucket and returns how long the bucket is closed: zero while it is within limit hits
// per window. Rivals are counted one by one, and the count stays whatever becomes of what is counted.
func (d *DB) CountHit(ctx context.Context, bucket string, limit int, window time.Duration) (closed time.Duration, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) (err error) {
		closed, err = tx.AsNobody().CountHit(ctx, bucket, limit, window)
		return err
	})
	return closed, err
}

// CountHit is DB.CountHit within the transaction: what is undone was not counted.
func (t *Tx) CountHit(ctx context.Context, bucket string, limit int, window time.Duration) (closed time.Duration, err error) {
	var wait int
	if err := t.Get(ctx, &wait, `SELECT app.count_hit($1, $2, $3)`, bucket, limit, seconds(window)); err != nil {
		return 0, fmt.Errorf("count a hit: %w", err)
	}
	return time.Duration(wait) * time.Second, nil
}

// Bucket is the name of a bucket, and how many hits it admits.
type Bucket struct {
	Name  string
	Limit int
}

// FindClosedUntil returns until when CountHit would find one of these buckets closed, and counts nothing. It is nil if none is
// closed, and if the viewer is another user.
func (t *Tx) FindClosedUntil(ctx context.Context, userID uuid.UUID, buckets ...Bucket) (until *time.Time, err error) {
	names, limits := make([]string, len(buckets)), make([]int64, len(buckets))
	for i, b := range buckets {
		names[i], limits[i] = b.Name, int64(b.Limit)
	}
	if err := t.Get(ctx, &until, `SELECT app.closed_until($1, $2, $3)`, userID, pq.Array(names), pq.Array(limits)); err != nil {
		return nil, fmt.Errorf("find until when something is limited: %w", err)
	}
	return until, nil
}

// ClearHits forgets what was counted in a bucket.
func (d *DB) ClearHits(ctx context.Context, bucket string) error {
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		_, err := tx.tx.ExecContext(ctx, `SELECT app.clear_hits($1)`, bucket)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear hits: %w", err)
	}
	return nil
}

// IsKnownClient reports whether the account of a normalised e-mail was signed in to from a block of addresses before.
func (d *DB) IsKnownClient(ctx context.Context, emailKey, block string) (known bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) (err error) {
		known, err = tx.AsNobody().IsKnownClient(ctx, emailKey, block)
		return err
	})
	return known, err
}

// IsKnownClient is DB.IsKnownClient inside a transaction.
func (t *Tx) IsKnownClient(ctx context.Context, emailKey, block string) (known bool, err error) {
	if err := t.Get(ctx, &known, `SELECT app.is_known_client($1, $2)`, emailKey, block); err != nil {
		return false, fmt.Errorf("look whether a client is known: %w", err)
	}
	return known, nil
}
