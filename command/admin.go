package command

import (
	"context"
	"errors"

	"freehold.dev/freehold/app/operate"
)

// administer opens the accounts for `freehold admin`, on the private PostgreSQL of a running server unless FREEHOLD_MIGRATE_URL is set.
func (c Command) administer(ctx context.Context, sendsCode bool) (a *operate.Administration, closeAll func() error, err error) {
	p, settings, err := c.load()
	if err != nil {
		return nil, nil, err
	}
	stop, err := usePrivate(ctx, p, &settings, settings.MigrateURL == "")
	if err != nil {
		return nil, nil, err
	}
	if a, err = operate.Administer(ctx, p, settings, sendsCode); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return a, func() error {
		a.Close() //nolint:errcheck // nothing is left to do
		return stop()
	}, nil
}
