package command

import (
	"context"
	"errors"
	"fmt"

	"freehold.dev/freehold/app/operate"
)

// forget runs `freehold forget` with its arguments, on the database of FREEHOLD_MIGRATE_URL or on the private PostgreSQL.
func (c Command) forget(ctx context.Context, args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: freehold forget USER_ID")
	}
	p, settings, err := c.load()
	if err != nil {
		return err
	}
	stop, err := usePrivate(ctx, p, &settings, p.IsSubgraph())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	found, err := operate.Forget(ctx, p, settings, args[0])
	if err != nil {
		return err
	}
	if !found {
		return say(fmt.Sprintf("user %s has no rows here; tokens of the user are refused for a day\n", args[0]))
	}
	return say(fmt.Sprintf("deleted everything that belongs to user %s; tokens of the user are refused for a day\n", args[0]))
}
