package input

import (
	"fmt"
	"strings"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
)

// UsernameLength is how long a username may be.
var UsernameLength = Length{3, 30}

// UsernameKey returns the form in which a username is unique and looked up: lower case. It reports false for a username that no
// account can have. It accepts a reserved one, which an account may have had before it was reserved.
func UsernameKey(username string) (key string, ok bool) {
	return strings.ToLower(username), validateUsername(username).IsZero()
}

// ReadNewUsername returns a username without the white space around it, its key, and its flaw as a new one.
func (r Reserved) ReadNewUsername(typed string) (username, key string, flaw fault.Flaw) {
	username = runes.Trim(typed)
	key = strings.ToLower(username)
	flaw = validateUsername(username)
	if flaw.IsZero() && r.has(key) {
		flaw = fault.Flaw{Code: "RESERVED", Message: "This username is reserved. Choose another one."}
	}
	return username, key, flaw
}

// ValidateNewUsername returns the flaw of a username that an account wants to have.
func (r Reserved) ValidateNewUsername(typed string) fault.Flaw {
	_, _, flaw := r.ReadNewUsername(typed)
	return flaw
}

// validateUsername returns the flaw of a username. Letters are those of ASCII: usernames then cannot look alike because they mix
// scripts, and lower case is the same in every locale.
func validateUsername(username string) fault.Flaw {
	switch {
	case strings.ContainsFunc(username, func(r rune) bool { return !isUsernameCharacter(r) }):
		return fault.Flaw{Code: "INVALID_CHARACTER", Message: "A username can contain only the letters a to z, digits, “_”, “.” and “-”."}
	case len(username) < UsernameLength.Min:
		return fault.Flaw{Code: "TOO_SHORT", Message: fmt.Sprintf("The username must have at least %d characters.", UsernameLength.Min), Params: fault.Params{"min": UsernameLength.Min}}
	case len(username) > UsernameLength.Max:
		return tooLong("The username can have at most %d characters.", UsernameLength.Max)
	case skeleton(username) == "":
		return fault.Flaw{Code: "INVALID", Message: "A username must contain at least one letter or digit."}
	case strings.HasPrefix(username, "."), strings.HasSuffix(username, "."), strings.Contains(username, ".."):
		return fault.Flaw{Code: "INVALID", Message: "A username cannot start or end with a dot, or contain two dots in a row."}
	}
	return fault.Flaw{}
}

func isUsernameCharacter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '.' || r == '-'
}
