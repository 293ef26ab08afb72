package limits

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/db"
)

// FactorGuesses is the bucket of a client's guesses at the authenticator apps of an account.
func (l *Limiter) FactorGuesses(ctx context.Context, userID uuid.UUID) db.Bucket {
	return l.limits.Factor.bucket("secondFactor", digest(userID.String()), client(ctx))
}

// CheckFactorGuess counts a guess at the authenticator apps of an account. Only a client that has proved a first factor can make one. Six
// digits are few, so that all clients that the account is used from have a total, too. But strangers cannot use it up.
func (l *Limiter) CheckFactorGuess(ctx context.Context, userID uuid.UUID) error {
	if !l.on {
		return nil
	}
	known, err := l.db.KnowsClient(ctx, userID, client(ctx))
	if err != nil {
		return err
	}
	by := "strangers"
	if known {
		by = "known"
	}
	return l.CheckLimit(ctx, l.FactorGuesses(ctx, userID), l.limits.FactorTotal.bucket("secondFactorTotal", digest(userID.String()), by))
}
