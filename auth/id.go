package auth

import "github.com/google/uuid"

// ParseID parses an id as clients send it: a UUID in its usual 36 characters, in either case. It refuses the other spellings that
// uuid.Parse accepts, and the zero id, which no object has.
func ParseID(text string) (uuid.UUID, bool) {
	if len(text) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil && id != uuid.Nil
}
