package app

import (
	"context"
	"log/slog"

	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth/passwords"
)

// breached returns what reports whether a password was leaked, or nil if FREEHOLD_BREACH_URL is not set. If the lookup fails, it
// reports false.
func breached(c config.Config, log *slog.Logger) func(context.Context, string) bool {
	if c.BreachURL == "" {
		return nil
	}
	breaches := passwords.NewBreaches(c.BreachURL)
	return func(ctx context.Context, password string) bool {
		known, err := breaches.Knows(ctx, password)
		if err != nil {
			log.WarnContext(ctx, "failed to look up a password among leaked ones", "error", err)
		}
		return known
	}
}
