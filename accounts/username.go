package accounts

import (
	"fmt"
	"strings"

	"freehold/fault"
)

const (
	minUsername = 3
	maxUsername = 30
)

// UsernameKey returns the form in which a username is unique and looked up: lower case. ok is false for a username
// that no account can have.
func UsernameKey(username string) (key string, ok bool) {
	return strings.ToLower(username), judgeUsername(username).IsZero()
}

// judgeUsername returns what is wrong with a username. Letters are those of ASCII: no two usernames can then
// look alike because they mix scripts, and lower case is the same in every locale.
func judgeUsername(username string) fault.Flaw {
	alphanumeric := 0
	for _, r := range username {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			alphanumeric++
		case r == '_', r == '.', r == '-':
		default:
			return fault.Flaw{Code: "INVALID_CHARACTER", Message: "A username has only the letters a to z, digits, “_”, “.” and “-”."}
		}
	}
	switch {
	case len(username) < minUsername:
		return fault.Flaw{Code: "TOO_SHORT", Message: fmt.Sprintf("The username needs at least %d characters.", minUsername), Params: fault.Params{"min": minUsername}}
	case len(username) > maxUsername:
		return fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("The username can have at most %d characters.", maxUsername), Params: fault.Params{"max": maxUsername}}
	case alphanumeric == 0:
		return fault.Flaw{Code: "INVALID", Message: "A username has at least one letter or digit."}
	}
	return fault.Flaw{}
}
