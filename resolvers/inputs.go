package resolvers

import (
	"context"
	"strings"
	"time"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
)

// Input has the fields of an input object whose values have the right type, by name. Values have the form of JSON.
type Input map[string]any

// InputValidator returns the flaws of the fields of an input object, by their names. The server calls it only for an input that it
// refuses for its shape, such as a malformed date or an unknown field: the error then has all faults at once. A use case validates an
// input of the right shape itself. A validator must not change anything, and must not reveal more than the use case reveals to
// the same client.
type InputValidator func(ctx context.Context, in Input) map[string]fault.Flaw

// Validators returns the functions that validate our inputs, by the names of their types. SignInInput has none, since a sign-in
// does not report what is wrong with an address.
func (r *Resolvers) Validators() map[string]InputValidator {
	password, username := r.Accounts.PasswordRules().Validate, r.Accounts.Reserved().ValidateNewUsername
	byCode := texts{"email": input.ValidateEmail, "code": input.ValidateCode, "newPassword": password}.validate
	return map[string]InputValidator{
		"SignUpInput":                   r.validateSignUp,
		"ProfileFieldsInput":            r.validateProfile,
		"UpdateProfileInput":            r.validateUpdate,
		"RequestEmailVerificationInput": byCode,
		"VerifyEmailInput":              byCode,
		"RequestPasswordResetInput":     byCode,
		"ResetPasswordInput":            byCode,
		"ChangePasswordInput":           texts{"newPassword": password}.validate,
		"ChangeEmailInput":              texts{"newEmail": input.ValidateEmail}.validate,
		"ChangeUsernameInput":           texts{"username": username}.validate,
		"RequestSignInCodeInput":        texts{"email": input.ValidateEmail, "username": optional(username)}.validate,
		"SignInWithCodeInput":           texts{"email": input.ValidateEmail, "code": input.ValidateCode, "username": optional(username)}.validate,
		"ReauthenticateWithCodeInput":   byCode,
		"SignUpAnonymouslyInput":        texts{"username": optional(username)}.validate,
		"UpgradeAccountInput":           texts{"email": input.ValidateEmail, "password": password, "username": optional(username)}.validate,
		"SetPasswordInput":              byCode,
	}
}

// optional returns a validator that accepts a blank text, which means that there is none.
func optional(validate func(string) fault.Flaw) func(string) fault.Flaw {
	return func(text string) fault.Flaw {
		if strings.TrimSpace(text) == "" {
			return fault.Flaw{}
		}
		return validate(text)
	}
}

// texts validate each field of an input alone.
type texts map[string]func(string) fault.Flaw

func (t texts) validate(_ context.Context, in Input) map[string]fault.Flaw {
	flaws := map[string]fault.Flaw{}
	for name, validate := range t {
		if text, ok := in[name].(string); ok {
			flaws[name] = validate(text)
		}
	}
	return flaws
}

func (r *Resolvers) validateSignUp(ctx context.Context, in Input) map[string]fault.Flaw {
	text := func(name string) string {
		value, _ := in[name].(string)
		return value
	}
	form := accounts.SignUp{Email: text("email"), Password: text("password"), Username: text("username"), Key: text("idempotencyKey")}
	if strings.TrimSpace(form.Key) == "" {
		form.Key = "" // blank means absent
	}
	if profile, ok := in["profile"].(Input); ok {
		form.Profile = profile.profileFields()
	}
	return byName(r.Accounts.ValidateSignUp(ctx, form), "input.")
}

func (r *Resolvers) validateProfile(_ context.Context, in Input) map[string]fault.Flaw {
	fields := in.profileFields()
	fields.Visibility = db.Patch[string]{}
	return byName(r.Accounts.ValidateProfile(fields), "")
}

func (r *Resolvers) validateUpdate(_ context.Context, in Input) map[string]fault.Flaw {
	return byName(r.Accounts.ValidateProfile(in.profileFields()), "")
}

// profileFields returns the fields of a profile in an input.
func (in Input) profileFields() db.ProfileFields {
	text := func(name string) db.Patch[string] {
		value, given := in[name]
		if text, ok := value.(string); ok {
			return db.Patch[string]{Set: true, Value: &text}
		}
		return db.Patch[string]{Set: given}
	}
	fields := db.ProfileFields{
		DisplayName: text("displayName"), Bio: text("bio"), AvatarURL: text("avatarUrl"), WebsiteURL: text("websiteUrl"),
		Location: text("location"), Visibility: text("visibility"), PhoneNumber: text("phoneNumber"),
	}
	if birthday, err := model.UnmarshalDate(in["birthday"]); err == nil {
		fields.Birthday = db.Patch[time.Time]{Set: true, Value: &birthday}
	}
	return fields
}

// byName returns the flaws of fields, by their paths without a prefix.
func byName(fields []fault.Field, prefix string) map[string]fault.Flaw {
	flaws := make(map[string]fault.Flaw, len(fields))
	for _, f := range fields {
		flaws[strings.TrimPrefix(f.Path, prefix)] = f.Flaw
	}
	return flaws
}
