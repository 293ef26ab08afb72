package auth

import "strings"

// Authentication says how the user of a session has proved who they are. Access tokens tell other services.
type Authentication struct {
	Methods string // the values of the claim amr (RFC 8176), separated by one space, such as "pwd otp mfa"
	Strong  bool   // whether two factors were proved
	At      int64  // the Unix time of the last time: the claim auth_time
}

// The levels of the claim acr are those of NIST SP 800-63B: one factor, or two.
const (
	oneFactor  = "aal1"
	twoFactors = "aal2"
)

// List returns the methods one by one.
func (a Authentication) List() []string { return strings.Fields(a.Methods) }

// Level returns the level of the claim acr; "" if nothing is known.
func (a Authentication) Level() string {
	switch {
	case a == Authentication{}:
		return ""
	case a.Strong:
		return twoFactors
	default:
		return oneFactor
	}
}
