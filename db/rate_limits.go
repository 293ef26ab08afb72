package db

import (
	"context"
	"fmt"
	"time"
)

// CountHit counts one more in a bucket and returns how long the bucket is closed: zero while it is within limit hits
// per window. Rivals are counted one by one, and the count stays whatever becomes of what is counted.
func (d *DB) CountHit(ctx context.Context, bucket string, limit int, window time.Duration) (closed time.Duration, err error) {
	var wait int
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &wait, `SELECT app.count_hit($1, $2, $3)`, bucket, limit, seconds(window))
	})
	if err != nil {
		return 0, fmt.Errorf("count a hit: %w", err)
	}
	return time.Duration(wait) * time.Second, nil
}
