package accounts

import (
	"context"
	"fmt"
	"strings"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
)

const (
	minUsername = 3
	maxUsername = 30
)

// UsernameKey returns the form in which a username is unique and looked up: lower case. ok is false for a username that no
// account can have. A reserved one is ok: an account may have had it before it was reserved.
func UsernameKey(username string) (key string, ok bool) {
	return strings.ToLower(username), judgeUsername(username).IsZero()
}

// UsernameAvailable reports whether a sign-up could have a username now.
func (s *Service) UsernameAvailable(ctx context.Context, username string) (bool, error) {
	_, key, flaw := s.readNewUsername(username)
	if !flaw.IsZero() {
		return false, nil
	}
	_, taken, err := s.db.FindTaken(ctx, "", key)
	return err == nil && !taken, err
}

// readNewUsername returns a new username without the white space around it, its key, and what is wrong with it.
func (s *Service) readNewUsername(typed string) (username, key string, flaw fault.Flaw) {
	username = runes.Trim(typed)
	key = strings.ToLower(username)
	flaw = judgeUsername(username)
	if flaw.IsZero() && s.config.Reserved.has(key) {
		flaw = fault.Flaw{Code: "RESERVED", Message: "This username is reserved. Choose another one."}
	}
	return username, key, flaw
}

// judgeUsername returns what is wrong with a username. Letters are those of ASCII: no two usernames can then look alike
// because they mix scripts, and lower case is the same in every locale.
func judgeUsername(username string) fault.Flaw {
	switch {
	case strings.ContainsFunc(username, func(r rune) bool { return !isUsernameCharacter(r) }):
		return fault.Flaw{Code: "INVALID_CHARACTER", Message: "A username can contain only the letters a to z, digits, “_”, “.” and “-”."}
	case len(username) < minUsername:
		return fault.Flaw{Code: "TOO_SHORT", Message: fmt.Sprintf("The username must have at least %d characters.", minUsername), Params: fault.Params{"min": minUsername}}
	case len(username) > maxUsername:
		return fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("The username can have at most %d characters.", maxUsername), Params: fault.Params{"max": maxUsername}}
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
