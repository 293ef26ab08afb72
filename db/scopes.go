package db

import (
	"context"

	"freehold.dev/freehold/auth"
)

// GrantedScopes returns those of the scopes in the viewer's token that the account still has.
func (d *DB) GrantedScopes(ctx context.Context, viewer auth.Viewer) (granted auth.Scopes, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		return tx.Get(ctx, &granted, `SELECT COALESCE(current_setting('app.scopes', true), '')`)
	})
	return granted, err
}
