package operate

import (
	"context"
	"errors"
	"fmt"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Forget deletes everything that belongs to a user from the database of a second subgraph, and reports whether there was such a user.
func Forget(ctx context.Context, p *app.Program, c config.Config, userID string) (found bool, err error) {
	id, ok := auth.ParseID(userID)
	switch {
	case !p.IsSubgraph():
		return false, errors.New("forget is for second subgraphs: here, users delete their accounts with deleteAccount")
	case !ok:
		return false, fmt.Errorf("%q is not the id of a user", userID)
	case c.MigrateURL == "":
		return false, errors.New("FREEHOLD_MIGRATE_URL: required, with the URL of the owner role")
	}
	return db.Forget(ctx, c.MigrateURL, id)
}
