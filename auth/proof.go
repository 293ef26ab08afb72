package auth

// Proof says how a user has proved who they are.
type Proof struct {
	// Methods are authentication method references (the claim amr of OpenID Connect, with the values of RFC 8176): pwd for a password,
	// otp for a one-time code, pop for a key such as a passkey, user for a test of presence, mfa for two factors. Two values are not
	// in that RFC: fed for an identity provider, and email for a code that was sent by mail.
	Methods []string
	// Strong says that they have proved two factors.
	Strong bool
}
