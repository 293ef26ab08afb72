package members

import (
	"context"
	"strings"
	"time"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

// Validators returns the functions that validate our inputs, by the names of their types. SignInInput has none, since a sign-in
// does not report what is wrong with an address.
func Validators(r *resolvers.Resolvers) map[string]resolvers.InputValidator {
	v := validators{r.Accounts}
	password, username := r.Accounts.PasswordRules().Validate, r.Accounts.Reserved().ValidateNewUsername
	byCode := texts{"email": input.ValidateEmail, "code": input.ValidateCode, "newPassword": password}.validate
	return map[string]resolvers.InputValidator{
		"SignUpInput":                   v.signUp,
		"ProfileFieldsInput":            v.profile,
		"UpdateProfileInput":            v.update,
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

func (t texts) validate(_ context.Context, in resolvers.Input) map[string]fault.Flaw {
	flaws := map[string]fault.Flaw{}
	for name, validate := range t {
		if text, ok := in[name].(string); ok {
			flaws[name] = validate(text)
		}
	}
	return flaws
}

// validators validate inputs whose rules need the service's settings.
type validators struct{ *accounts.Service }

func (v validators) signUp(ctx context.Context, in resolvers.Input) map[string]fault.Flaw {
	text := func(name string) string {
		value, _ := in[name].(string)
		return value
	}
	form := accounts.SignUp{Email: text("email"), Password: text("password"), Username: text("username"), Key: text("idempotencyKey")}
	if strings.TrimSpace(form.Key) == "" {
		form.Key = "" // blank means absent
	}
	if profile, ok := in["profile"].(resolvers.Input); ok {
		form.Profile = fieldsIn(profile)
	}
	return byName(v.ValidateSignUp(ctx, form), "input.")
}

func (v validators) profile(_ context.Context, in resolvers.Input) map[string]fault.Flaw {
	fields := fieldsIn(in)
	fields.Visibility = db.Patch[string]{}
	return byName(v.ValidateProfile(fields), "")
}

func (v validators) update(_ context.Context, in resolvers.Input) map[string]fault.Flaw {
	return byName(v.ValidateProfile(fieldsIn(in)), "")
}

// fieldsIn returns the fields of a profile in an input.
func fieldsIn(in resolvers.Input) db.ProfileFields {
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
