package app

import (
	"context"
	"log/slog"

	"freehold.dev/freehold/auth/passwords"
)

// breached returns who is asked whether a password is known from a leak; nil for nobody. While there is no answer no
// password is refused.
func breached(c Config, log *slog.Logger) func(context.Context, string) bool {
	if c.BreachURL == "" {
		return nil
	}
	breaches := passwords.NewBreaches(c.BreachURL)
	return func(ctx context.Context, password string) bool {
		known, err := breaches.Knows(ctx, password)
		if err != nil {
			log.WarnContext(ctx, "a password was not looked up among leaked ones", "error", err)
		}
		return known
	}
}
