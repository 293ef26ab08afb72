package db

import (
	"context"
	"fmt"

	"freehold.dev/freehold/auth"
)

// GrantedScopes returns those of the scopes that the viewer's token claims which are granted to their account still. It makes no query
// for a viewer who claims none.
func (d *DB) GrantedScopes(ctx context.Context, viewer auth.Viewer) (auth.Scopes, error) {
	if viewer.Scopes == "" {
		return "", nil
	}
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (granted auth.Scopes, err error) {
		if err := tx.Get(ctx, &granted, `SELECT COALESCE(current_setting('app.scopes', true), '')`); err != nil {
			return "", fmt.Errorf("find granted scopes: %w", err)
		}
		return granted, nil
	})
}
