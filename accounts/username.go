package accounts

import (
	"fmt"
	"strings"
)

const (
	minUsername = 3
	maxUsername = 30
)

// UsernameKey returns the form in which a username is unique and looked up: lower case. ok is false for a username
// that no account can have.
func UsernameKey(username string) (key string, ok bool) {
	code, _ := judgeUsername(username)
	return strings.ToLower(username), code == ""
}

// judgeUsername returns what is wrong with a username, or "". Letters are those of ASCII: no two usernames can then
// look alike because they mix scripts, and lower case is the same in every locale.
func judgeUsername(username string) (code, message string) {
	alphanumeric := 0
	for _, r := range username {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			alphanumeric++
		case r == '_', r == '.', r == '-':
		default:
			return "INVALID_CHARACTER", "A username has only the letters a to z, digits, “_”, “.” and “-”."
		}
	}
	switch {
	case len(username) < minUsername:
		return "TOO_SHORT", fmt.Sprintf("The username needs at least %d characters.", minUsername)
	case len(username) > maxUsername:
		return "TOO_LONG", fmt.Sprintf("The username can have at most %d characters.", maxUsername)
	case alphanumeric == 0:
		return "INVALID", "A username has at least one letter or digit."
	}
	return "", ""
}
