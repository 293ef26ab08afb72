package accounts

import (
	"context"
	"strings"

	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/fault"
)

// judgePassword returns what is wrong with a normalised password for an account that calls itself by these words.
func (s *Service) judgePassword(ctx context.Context, password string, own []string) fault.Flaw {
	flaw := passwords.Validate(password, s.config.PasswordMinLength, own...)
	if flaw.IsZero() && s.config.Breached != nil && s.config.Breached(ctx, password) {
		return fault.Flaw{Code: "BREACHED", Message: "This password has appeared in a data breach. Choose another one."}
	}
	return flaw
}

// words are what an account and the service go by. The last label of a domain is not among them: ".com" is nobody's own.
func (s *Service) words(email, username string, displayName *string) []string {
	local, domain, _ := strings.Cut(email, "@")
	own := []string{nameWithoutTop(s.config.ServiceName), withoutTop(s.config.ServiceHost), username, local, withoutTop(domain)}
	if displayName != nil {
		own = append(own, *displayName)
	}
	return own
}

// nameWithoutTop is withoutTop for a name that may be a domain, such as Example.com. A name with spaces is not.
func nameWithoutTop(name string) string {
	if strings.Contains(name, " ") {
		return name
	}
	return withoutTop(name)
}

func withoutTop(domain string) string {
	if i := strings.LastIndex(domain, "."); i >= 0 {
		return domain[:i]
	}
	return domain
}
