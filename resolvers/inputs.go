package resolvers

import (
	"context"
	"strings"
	"time"

	"freehold/accounts"
	"freehold/db"
	"freehold/fault"
	"freehold/graph/model"
)

// Input is what of an input object fits its type: values by the names of fields, as JSON has them.
type Input map[string]any

// InputJudge returns what is wrong with the fields of an input object, by their names. It completes the error of an input
// that is refused for its shape, such as a malformed date or an unknown field, so that a form learns all its faults at
// once. An input whose shape is right never comes here: its use case judges it. The judge must not change anything, and
// must tell nothing that the use case would not tell the same client.
type InputJudge func(ctx context.Context, in Input) map[string]fault.Flaw

// InputJudges returns the judges of our inputs, by the names of their types. signIn has none: what is wrong with an
// address there is not told.
func (r *Resolvers) InputJudges() map[string]InputJudge {
	s := r.Accounts
	proof := texts{"email": s.JudgeEmail, "code": s.JudgeCode, "newPassword": s.JudgePassword}.judge
	return map[string]InputJudge{
		"SignUpInput":                   r.judgeSignUp,
		"ProfileFieldsInput":            r.judgeProfile,
		"UpdateProfileInput":            r.judgeUpdate,
		"RequestEmailVerificationInput": proof,
		"VerifyEmailInput":              proof,
		"RequestPasswordResetInput":     proof,
		"ResetPasswordInput":            proof,
		"ChangePasswordInput":           texts{"newPassword": s.JudgePassword}.judge,
		"ChangeEmailInput":              texts{"newEmail": s.JudgeEmail}.judge,
		"ChangeUsernameInput":           texts{"username": s.JudgeUsername}.judge,
	}
}

// texts judge each field of an input by itself.
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
		form.Key = "" // as absent
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

// profileFields returns those of a profile that an input has.
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

// byName returns the flaws of fields by what is left of their paths without a prefix.
func byName(fields []fault.Field, prefix string) map[string]fault.Flaw {
	flaws := make(map[string]fault.Flaw, len(fields))
	for _, f := range fields {
		flaws[strings.TrimPrefix(f.Path, prefix)] = f.Flaw
	}
	return flaws
}
