package members

import (
	"freehold.dev/freehold/accounts/export"
	"freehold.dev/freehold/resolvers"
)

// TextBytes is the most bytes that the text of a field takes in a response, by Type.field.
var TextBytes = map[string]int{
	"User.export": export.MaxBytes, "User.email": 254 * resolvers.CharacterBytes, "User.pendingEmail": 254 * resolvers.CharacterBytes,
	"Session.device": 200 * resolvers.CharacterBytes, "Session.ip": 48, "SecurityEvent.device": 200 * resolvers.CharacterBytes, "SecurityEvent.ip": 48, "SecurityEvent.by": 32,
	"StartPasskeyRegistrationPayload.options": 64 << 10, "StartPasskeySignUpPayload.options": 4 << 10, "StartPasskeySignInPayload.options": 1 << 10,
	"StartPasskeyReauthenticationPayload.options": 64 << 10, "StartPasskeyRegistrationPayload.continuationToken": 43,
	"StartPasskeySignUpPayload.continuationToken": 43, "StartPasskeySignInPayload.continuationToken": 43,
	"StartPasskeyReauthenticationPayload.continuationToken": 43,
	"Credential.name": 100 * resolvers.CharacterBytes, "SecondFactorChallenge.continuationToken": 43, "PendingSignUp.continuationToken": 43,
	"Account.email": 254 * resolvers.CharacterBytes, "Account.username": 32, "Account.scopes": 64,
	"Profile.username": 32, "Profile.displayName": 100 * resolvers.CharacterBytes, "Profile.bio": 1000 * resolvers.CharacterBytes,
	"Profile.location": 100 * resolvers.CharacterBytes, "Profile.phoneNumber": 18,
	"PageInfo.startCursor": resolvers.CursorTextBytes, "PageInfo.endCursor": resolvers.CursorTextBytes,
	"Tokens.accessToken": 2560, "Tokens.refreshToken": 256,
	"StartTotpPayload.secret": 32, "StartTotpPayload.uri": 512, "StartTotpPayload.continuationToken": 64,
	"FinishTotpPayload.recoveryCodes": 320, "CreateRecoveryCodesPayload.recoveryCodes": 320,
}

// Credential are the mutations that compute a password hash, check a code or send a mail.
var Credential = []string{
	"signUp", "signIn", "finishSecondFactor", "finishTotp", "reauthenticate", "changePassword", "deleteAccount",
	"completeSignUp",
	"startOAuth", "finishOAuth", "startOAuthLink", "finishOAuthLink", "startOAuthReauthentication", "finishOAuthReauthentication",
	"requestSignInCode", "signInWithCode", "reauthenticateWithCode", "enableSignInCodes", "setPassword", "signUpAnonymously", "upgradeAccount",
	"startPasskeySignUp", "finishPasskeySignUp", "startPasskeySignIn", "finishPasskeySignIn", "finishPasskeyRegistration", "finishPasskeyReauthentication",
	"requestEmailVerification", "verifyEmail", "requestPasswordReset", "resetPassword", "changeEmail", "startPasswordReset",
}
