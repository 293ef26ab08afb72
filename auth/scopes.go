package auth

import (
	"slices"
	"strings"
)

// Scopes are the scopes that an access token claims, separated by one space (the claim scope of RFC 8693 and RFC 9068). The
// database decides which of them the account still has.
type Scopes string

// Has reports whether a scope is among them.
func (s Scopes) Has(name string) bool { return slices.Contains(strings.Fields(string(s)), name) }

// Meets reports whether they have every scope of one of the alternatives.
func (s Scopes) Meets(anyOf [][]string) bool {
	return slices.ContainsFunc(anyOf, func(all []string) bool {
		return len(all) > 0 && !slices.ContainsFunc(all, func(name string) bool { return !s.Has(name) })
	})
}

// List returns the scopes one by one.
func (s Scopes) List() []string { return strings.Fields(string(s)) }
