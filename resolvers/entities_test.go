package resolvers

import (
	"slices"
	"testing"

	"github.com/google/uuid"
)

// Representations that repeat a key, in any of its spellings, are one key for the database.
func TestKeysAreAskedForOnce(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	keys := [][]entityKey{
		{idKey("User", id.String())}, {usernameKey("Ann")}, {idKey("Profile", id.String()), usernameKey("ann")},
		{idKey("User", "nonsense")}, {idKey("User", "other nonsense")}, {usernameKey("ANN")}, {usernameKey("bob")},
	}
	ids, usernames := distinctKeys(slices.Concat(keys, keys))
	if !slices.Equal(ids, []uuid.UUID{id, uuid.Nil}) || !slices.Equal(usernames, []string{"ann", "bob"}) {
		t.Errorf("asked for %v and %q", ids, usernames)
	}
}
