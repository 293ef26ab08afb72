// Package requests has the GraphQL requests of the loads, in the schema of each server, and what their answers must be.
//
// It owns the queries and their checks. It must not know how requests are sent, how the servers are run, or what is measured.
package requests

import (
	"strings"

	"freehold.dev/freehold/bench/load"
)

// PageSize is how many profiles a page has.
const PageSize = 50

// password is that of all accounts.
const password = "correct horse battery"

// A User is one of the accounts for the loads, and its expected data.
type User struct {
	Number                     int
	Email, Username            string
	Token                      string
	UserID, ProfileID, Session string
	DisplayName, Bio, Birthday string
	Public                     bool
	Sessions, Events           []string // the ids of their first pages, newest first
}

// A Query is a GraphQL request, and its expected reply.
type Query struct {
	Document  string
	Variables map[string]any
	Check     func(body []byte, stamp string) error // see load.Call
	Volatile  bool                                  // two correct replies differ
}

// A Dialect is how the requests read in a server's schema.
type Dialect interface {
	// Me reads the viewer with email and profile.
	Me(u *User) Query
	// Update changes the viewer's display name to load.Stamp.
	Update(u *User) Query
	// UpdateOther tries to change another user's display name.
	UpdateOther(u, other *User) Query
	// List reads the first page of profiles with four fields and, optionally, the birthday, which is owner-only.
	List(u *User, page []*User, birthday bool) Query
	// SignUp creates an account, and SignIn a session; got gets its token.
	SignUp(email, username string, got func(token string)) Query
	SignIn(u *User, got func(token string)) Query
}

// FirstPage returns the profiles that a user sees first: those of the first users, which are public, and before them the
// user's own if it is private.
func FirstPage(users []*User, u *User) []*User {
	if u.Public {
		return users[:PageSize]
	}
	return append([]*User{u}, users[:PageSize-1]...)
}

type object = map[string]any

// exactly checks that a reply has this data, for the stamp of its request, and these errors.
func exactly(data func(stamp string) object, failures ...load.Failure) func([]byte, string) error {
	return func(body []byte, stamp string) error { return load.Compare(body, data(stamp), failures) }
}

// always is the data of a reply that has no stamp.
func always(data object) func(string) object { return func(string) object { return data } }

// stamped returns the text of a request as it was sent.
func stamped(text, stamp string) string { return strings.ReplaceAll(text, load.Stamp, stamp) }
