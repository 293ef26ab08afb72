package db

import "context"

// maxShare is the maximum number of connections that one request uses at once.
const maxShare = 4

type shareKey struct{}

// WithShare limits the connections that the concurrent transactions of ctx use to four, and to half of the pool, so that one request
// leaves connections for others.
func (d *DB) WithShare(ctx context.Context) context.Context {
	return context.WithValue(ctx, shareKey{}, make(chan struct{}, d.share))
}

// enterShare waits until a transaction of ctx may use a connection. Transactions are never nested, so a waiting one holds no
// connection.
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
