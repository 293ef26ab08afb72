package resolvers

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/accounts"
	"freehold/auth"
	"freehold/fault"
	"freehold/graph"
	"freehold/owned"
)

const maxRepresentations = 500

var _ graph.EntityResolver = (*QueryResolver)(nil)

// entityKey is one key of an object: an id, or a normalised username. What nothing can have as its key is the zero id.
type entityKey struct {
	typename string
	id       uuid.UUID
	username string
}

// Entities finds the objects of Federation's representations, all in one query.
func (q *QueryResolver) Entities(ctx context.Context, representations []any) ([]owned.Row, error) {
	if len(representations) > maxRepresentations {
		return nil, tooMany("representations", maxRepresentations)
	}
	keys := make([][]entityKey, len(representations))
	for i, representation := range representations {
		var err error
		if keys[i], err = readRepresentation(fmt.Sprintf("representations.%d", i), representation); err != nil {
			at := withIndex(ctx, i)
			graphql.AddError(at, graphql.AddFieldLocationToError(at, graphql.ErrorOnPath(at, err)))
		}
	}
	found, err := q.findEntities(ctx, keys)
	if err != nil {
		return nil, err
	}
	entities := make([]owned.Row, len(keys))
	for i := range keys {
		if entities[i] = pick(found, keys[i]); entities[i] == nil && len(keys[i]) > 0 {
			q.missed(withIndex(ctx, i), Missed{ID: keys[i][0].id, Username: keys[i][0].username})
		}
	}
	return entities, nil
}

// readRepresentation returns the keys of a representation. Whatever else it holds is the caller's word, and not looked
// at. A key that is no text is a fault; a text that can't be a key goes the way of an unknown one, in answer and in time.
func readRepresentation(path string, representation any) ([]entityKey, error) {
	fields, _ := representation.(map[string]any) // of anything else there is no __typename
	var keys []entityKey
	var faults fault.Faults
	read := func(name string, key func(text string) entityKey) {
		value, given := fields[name]
		if text, ok := value.(string); ok {
			keys = append(keys, key(text))
		} else if given {
			faults.Add(path+"."+name, fault.Flaw{Code: "INVALID", Message: "A key must be a string."})
		}
	}
	switch fields["__typename"] {
	case "User":
		read("id", func(text string) entityKey { return idKey("User", text) })
	case "Profile":
		read("id", func(text string) entityKey { return idKey("Profile", text) })
		read("username", usernameKey)
	default:
		return nil, fault.Input(path+".__typename", "INVALID", "A representation is an object with the __typename of an entity.")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fault.Input(path, "REQUIRED", "A representation has a key of its type.")
	}
	return keys, nil
}

func idKey(typename, text string) entityKey {
	id, _ := auth.ParseID(text) // else the zero id
	return entityKey{typename: typename, id: id}
}

func usernameKey(text string) entityKey {
	key, ok := accounts.UsernameKey(text)
	if !ok {
		key = ""
	}
	return entityKey{typename: "Profile", username: key}
}

// distinctKeys returns each key once, however many representations have it.
func distinctKeys(keys [][]entityKey) (ids []uuid.UUID, usernames []string) {
	for _, key := range slices.Concat(keys...) {
		if key.username != "" {
			usernames = append(usernames, key.username)
		} else {
			ids = append(ids, key.id)
		}
	}
	return distinct(ids), distinct(usernames)
}

// distinct returns the values in their order, each once.
func distinct[T comparable](values []T) []T {
	seen := make(map[T]bool, len(values))
	return slices.DeleteFunc(values, func(v T) bool {
		known := seen[v]
		seen[v] = true
		return known
	})
}

// findEntities returns what the viewer sees of the objects with these keys, under each key that they have.
func (q *QueryResolver) findEntities(ctx context.Context, keys [][]entityKey) (map[entityKey]owned.Row, error) {
	ids, usernames := distinctKeys(keys)
	rows, err := q.DB.FindProfilesByAnyKey(ctx, auth.ViewerFrom(ctx), ids, usernames)
	if err != nil {
		return nil, err
	}
	found := make(map[entityKey]owned.Row, 3*len(rows))
	for i := range rows {
		profile := newProfile(&rows[i])
		found[entityKey{typename: "User", id: rows[i].UserID}] = profile.User
		found[entityKey{typename: "Profile", id: rows[i].ID}] = profile
		found[usernameKey(rows[i].Username)] = profile
	}
	return found, nil
}

// pick returns the object that has all of the keys, nil if they are not of one object.
func pick(found map[entityKey]owned.Row, keys []entityKey) (entity owned.Row) {
	for i, key := range keys {
		if i > 0 && found[key] != entity {
			return nil
		}
		entity = found[key]
	}
	return entity
}
