package harness

import "github.com/vektah/gqlparser/v2/ast"

// Mutations with one input, $i.
const (
	RequestVerification = `mutation ($i: RequestEmailVerificationInput!) { requestEmailVerification(input: $i) { success } }`
	VerifyEmail         = `mutation ($i: VerifyEmailInput!) { verifyEmail(input: $i) { user { id email emailVerified profile { id username visibility } } tokens { accessToken refreshToken } passwordCleared } }`
	RequestReset        = `mutation ($i: RequestPasswordResetInput!) { requestPasswordReset(input: $i) { success } }`
	ResetPassword       = `mutation ($i: ResetPasswordInput!) { resetPassword(input: $i) { success } }`
	RequestSignInCode   = `mutation ($i: RequestSignInCodeInput!) { requestSignInCode(input: $i) { success } }`
	ChangePassword      = `mutation ($i: ChangePasswordInput!) { changePassword(input: $i) { user { id hasPassword } } }`
	ChangeEmail         = `mutation ($i: ChangeEmailInput!) { changeEmail(input: $i) { user { id email pendingEmail } } }`
	ChangeUsername      = `mutation ($i: ChangeUsernameInput!) { changeUsername(input: $i) { profile { id username user { id } } } }`
	DeleteAccount       = `mutation ($i: DeleteAccountInput!) { deleteAccount(input: $i) { deletedUserId deletedProfileId } }`
	Reauthenticate      = `mutation ($i: ReauthenticateInput!) { reauthenticate(input: $i) { user { id reauthenticatedUntil } } }`
)

// SignUpMutation is a sign-up that returns what Account.Fill reads.
const SignUpMutation = `mutation ($input: SignUpInput!) {
	signUp(input: $input) { user { id email profile { id username } } tokens { accessToken refreshToken expiresAt } }
}`

// MeQuery reads the viewer, and a public field.
const MeQuery = `{ me { id email } profiles { pageInfo { hasNextPage } } }`

// SignInMutation is a sign-in.
const SignInMutation = `mutation ($i: SignInInput!) { signIn(input: $i) { user { email profile { username } } tokens { accessToken refreshToken } } }`

// RefreshMutation exchanges the refresh token $t.
const RefreshMutation = `mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken refreshToken expiresAt } } }`

// UpdateMutation changes a profile.
const UpdateMutation = `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { profile { id displayName } } }`

// BioMutation changes the bio of the viewer, which takes one statement.
const BioMutation = `mutation ($bio: String) { updateProfile(input: {bio: $bio}) { profile { bio } } }`

// EntitiesQuery is the query of a router.
const EntitiesQuery = `query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on User { id profile { id } } ... on Profile { id username } } }`

// AsUser returns the representation of the user.
func (a Account) AsUser() Vars { return Vars{"__typename": "User", "id": a.UserID} }

// AsProfile returns the representation of the profile by its id.
func (a Account) AsProfile() Vars { return Vars{"__typename": "Profile", "id": a.ProfileID} }

// ByName returns the representation of the profile by its username.
func (a Account) ByName() Vars { return Vars{"__typename": "Profile", "username": a.Username} }

// PublicMutations returns the mutations that are public. Only their resolvers can refuse them, so a test must know how.
func PublicMutations(schema *ast.Schema) map[string]bool {
	names := map[string]bool{}
	for _, m := range schema.Mutation.Fields {
		if m.Directives.ForName("public") != nil {
			names[m.Name] = true
		}
	}
	return names
}
