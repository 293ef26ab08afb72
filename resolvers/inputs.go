package resolvers

import (
	"context"

	"freehold.dev/freehold/fault"
)

// Input has the fields of an input object whose values have the right type, by name. Values have the form of JSON.
type Input map[string]any

// InputValidator returns the flaws of the fields of an input object, by their names. The server calls it only for an input that it
// refuses for its shape, such as a malformed date or an unknown field: the error then has all faults at once. A use case validates an
// input of the right shape itself. A validator must not change anything, and must not reveal more than the use case reveals to
// the same client.
type InputValidator func(ctx context.Context, in Input) map[string]fault.Flaw
