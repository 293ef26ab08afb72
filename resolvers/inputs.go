package resolvers

import (
	"context"
	"strings"
	"time"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
)

// Input has the fields of an input object that fit their types: values by name, in the form of JSON.
type Input map[string]any

// InputJudge returns what is wrong with the fields of an input object, by their names. It completes the error of an input
// that is refused for its shape, such as a malformed date or an unknown field, so that a form gets all its faults at once.
// It is not called for an input of the right shape, which the use case judges. A judge must not change anything, and must not
// reveal more than the use case reveals to the same client.
type InputJudge func(ctx context.Context, in Input) map[string]fault.Flaw

// InputJudges returns the judges of our inputs, by the names of their types. SignInInput has none, since a sign-in does not
// say what is wrong with an address.
func (r *Resolvers) InputJudges() map[string]InputJudge {
	s := r.Accounts
	byCode := texts{"email": s.JudgeEmail, "code": s.JudgeCode, "newPassword": s.JudgePassword}.judge
	return map[string]InputJudge{
		"SignUpInput":                   r.judgeSignUp,
		"ProfileFieldsInput":            r.judgeProfile,
		"UpdateProfileInput":            r.judgeUpdate,
		"RequestEmailVerificationInput": byCode,
		"VerifyEmailInput":              byCode,
		"RequestPasswordResetInput":     byCode,
		"ResetPasswordInput":            byCode,
		"ChangePasswordInput":           texts{"newPassword": s.JudgePassword}.judge,
		"ChangeEmailInput":              texts{"newEmail": s.JudgeEmail}.judge,
		"ChangeUsernameInput":           texts{"username": s.JudgeUsername}.judge,
	}
}

// texts judge each field of an input alone.
type texts map[string]func(string) fault.Flaw

func (t texts) judge(_ context.Context, in Input) map[string]fault.Flaw {
	flaws := map[string]fault.Flaw{}
	for name, judge := range t {
		if text, ok := in[name].(string); ok {
			flaws[name] = judge(text)
		}
	}
	return flaws
}

func (r *Resolvers) judgeSignUp(ctx context.Context, in Input) map[string]fault.Flaw {
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
	return byName(r.Accounts.JudgeSignUp(ctx, form), "input.")
}

func (r *Resolvers) judgeProfile(_ context.Context, in Input) map[string]fault.Flaw {
	fields := in.profileFields()
	fields.Visibility = db.Patch[string]{}
	return byName(r.Accounts.JudgeProfile(fields), "")
}

func (r *Resolvers) judgeUpdate(_ context.Context, in Input) map[string]fault.Flaw {
	return byName(r.Accounts.JudgeProfile(in.profileFields()), "")
}

// profileFields returns the fields of a profile that an input has.
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

// byName returns the flaws of fields by their paths without a prefix.
func byName(fields []fault.Field, prefix string) map[string]fault.Flaw {
	flaws := make(map[string]fault.Flaw, len(fields))
	for _, f := range fields {
		flaws[strings.TrimPrefix(f.Path, prefix)] = f.Flaw
	}
	return flaws
}
