package input

import (
	"context"
	"strings"

	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/fault"
)

// PasswordRules are the rules for new passwords.
type PasswordRules struct {
	MinLength   int    // code points
	ServiceName string // no password may consist of the service's name or host
	ServiceHost string

	// Breached reports whether a normalised password is known from a data breach. With nil, no password is looked up.
	Breached func(ctx context.Context, password string) bool
}

// Length returns how long a password may be.
func (r PasswordRules) Length() Length { return Length{r.MinLength, passwords.MaxLength} }

// Validate returns the flaw of a password that is not normalised yet, for an account that is not known. It does not look the
// password up among breached ones.
func (r PasswordRules) Validate(password string) fault.Flaw {
	return passwords.Validate(passwords.Normalize(password), r.MinLength)
}

// ValidateFor returns the flaw of a normalised password for an account; see Words. It does not look the password up among breached
// ones.
func (r PasswordRules) ValidateFor(password string, words []string) fault.Flaw {
	return passwords.Validate(password, r.MinLength, words...)
}

// ValidateAndLookUp is ValidateFor, and looks an otherwise valid password up among breached ones.
func (r PasswordRules) ValidateAndLookUp(ctx context.Context, password string, words []string) fault.Flaw {
	flaw := r.ValidateFor(password, words)
	if flaw.IsZero() && r.Breached != nil && r.Breached(ctx, password) {
		return fault.Flaw{Code: "BREACHED", Message: "This password has appeared in a data breach. Choose another one."}
	}
	return flaw
}

// Words returns the words by which an account and the service are known. The last label of a domain is not one of them, since
// many domains end in ".com".
func (r PasswordRules) Words(email, username string, displayName *string) []string {
	local, domain, _ := strings.Cut(email, "@")
	words := []string{nameWithoutTop(r.ServiceName), withoutTop(r.ServiceHost), username, local, withoutTop(domain)}
	if displayName != nil {
		words = append(words, *displayName)
	}
	return words
}

// nameWithoutTop is withoutTop for a name that may be a domain, such as Example.com. A name with spaces is not.
func nameWithoutTop(name string) string {
	if strings.Contains(name, " ") {
		return name
	}
	return withoutTop(name)
}

// withoutTop returns a domain without its last label.
func withoutTop(domain string) string {
	if i := strings.LastIndex(domain, "."); i >= 0 {
		return domain[:i]
	}
	return domain
}
