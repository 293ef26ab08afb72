package resolvers

// CharacterBytes is the most that a character takes in a reply: < is \u003c.
const CharacterBytes = 6

// TextBytes is how many bytes the texts of our fields may take in a reply, by Type.field.
var TextBytes = map[string]int{
	"User.email": 254 * CharacterBytes, "User.pendingEmail": 254 * CharacterBytes,
	"Session.device": 200 * CharacterBytes, "Session.ip": 48, "SecurityEvent.device": 200 * CharacterBytes, "SecurityEvent.ip": 48,
	"Profile.username": 32, "Profile.displayName": 100 * CharacterBytes, "Profile.bio": 1000 * CharacterBytes,
	"Profile.location": 100 * CharacterBytes, "Profile.phoneNumber": 18,
	"PageInfo.startCursor": 40, "PageInfo.endCursor": 40,
	"Tokens.accessToken": 1024, "Tokens.refreshToken": 256,
}

// Credential are the mutations that compute a password hash, verify a code or have a mail sent.
var Credential = []string{
	"signUp", "signIn", "reauthenticate", "changePassword", "deleteAccount",
	"requestEmailVerification", "verifyEmail", "requestPasswordReset", "resetPassword", "changeEmail",
}
