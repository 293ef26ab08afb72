package auth

import "github.com/google/uuid"

// ParseID reads an id as it stands on the wire: a UUID in its usual 36 characters, in either case. The other spellings
// that uuid.Parse takes are refused, and so is the zero id, which nothing has.
func ParseID(text string) (uuid.UUID, bool) {
	if len(text) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil && id != uuid.Nil
}
