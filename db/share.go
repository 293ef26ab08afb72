package db

import "context"

// maxShare is how many connections one request uses at once, if the pool is large enough.
const maxShare = 4

type shareKey struct{}

// WithShare bounds the connections that the transactions of ctx use at once, whatever runs them at once: four, and never more
// than half of the pool, so that one request leaves room for others.
func (d *DB) WithShare(ctx context.Context) context.Context {
	return context.WithValue(ctx, shareKey{}, make(chan struct{}, d.share))
}

// enterShare waits until a transaction of ctx may use a connection. A transaction is never begun inside another, so those
// that wait do not hold what they wait for.
func enterShare(ctx context.Context) (leave func(), err error) {
	share, ok := ctx.Value(shareKey{}).(chan struct{})
	if !ok {
		return func() {}, nil
	}
	select {
	case share <- struct{}{}:
		return func() { <-share }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
