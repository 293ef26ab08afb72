package input

import (
	"bufio"
	_ "embed" // the list
	"fmt"
	"io"
	"strings"
)

// Reserved are the usernames that no account can have.
type Reserved map[string]bool

//go:embed reserved.txt
var reservedList string

// DefaultReserved returns the usernames that are reserved unless an operator provides another list.
func DefaultReserved() Reserved {
	reserved, err := ReadReserved(strings.NewReader(reservedList))
	if err != nil {
		panic(err) // the list is part of the program
	}
	return reserved
}

// ReadReserved reads a list of usernames, one per line. It skips blank lines and comments, which begin with #. The error names the
// first line that is not a username or a part of one.
func ReadReserved(list io.Reader) (Reserved, error) {
	reserved := Reserved{}
	lines := bufio.NewScanner(list)
	for n := 1; lines.Scan(); n++ {
		name, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), string(byteOrderMark)), "#")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if strings.ContainsFunc(name, func(r rune) bool { return !isUsernameCharacter(r) }) || skeleton(name) == "" || len(name) > UsernameLength.Max {
			return nil, fmt.Errorf("line %d is not a username: a username has 1 to %d letters (a to z), digits, “_”, “.” and “-”", n, UsernameLength.Max)
		}
		reserved[skeleton(name)] = true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	return reserved, nil
}

// has reports whether a username is reserved. Separators don't matter, since Ad.Min looks as official as admin.
func (r Reserved) has(usernameKey string) bool { return r[skeleton(usernameKey)] }

// skeleton is a username in lower case and without separators.
func skeleton(username string) string {
	return strings.ToLower(strings.NewReplacer("_", "", ".", "", "-", "").Replace(username))
}
