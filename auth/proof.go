package auth

import "strings"

// Proof says how the user of a session has proved who they are. Access tokens tell other services.
type Proof struct {
	Methods string // the values of the claim amr (RFC 8176), separated by one space, such as "pwd otp mfa"
	Strong  bool   // whether two factors were proved
	At      int64  // the Unix time of the last authentication: the claim auth_time
}

// The levels of the claim acr are those of NIST SP 800-63B: one factor, or two.
const (
	oneFactor  = "aal1"
	twoFactors = "aal2"
)

// List returns the methods one by one.
func (p Proof) List() []string { return strings.Fields(p.Methods) }

// Level returns the level of the claim acr; "" for no proof.
func (p Proof) Level() string {
	switch {
	case p == Proof{}:
		return ""
	case p.Strong:
		return twoFactors
	default:
		return oneFactor
	}
}
