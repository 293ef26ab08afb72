package resolvers

import (
	"context"

	"freehold.dev/freehold/internal/once"
)

// loadedKey is the key of what one root field has loaded about owners. One query loads the e-mail, the birthday and the rest of
// an owner, and a list with the same user a hundred times loads each field once. Only the owner passes the rules of those
// fields, so there is rarely more than one user.
type loadedKey struct{}

func withLoaded(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadedKey{}, &once.Map{})
}

// Once returns the value of a key, and loads it the first time. Each type of key has one type of value.
func Once[T any](ctx context.Context, key any, load func() (T, error)) (T, error) {
	return once.Do(ctx.Value(loadedKey{}).(*once.Map), key, load)
}

// Remember is Once for a value that was loaded with something else.
func Remember[T any](ctx context.Context, key any, value T) {
	once.Store(ctx.Value(loadedKey{}).(*once.Map), key, value)
}
