package accounts

import (
	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// Judge returns what is wrong with a text for one field of a sign-up or profile, by the field's name. A field
// that it does not know has no fault. Whether something is taken is not looked at.
func (s *Service) Judge(field, text string) fault.Flaw {
	var profile db.ProfileFields
	value := db.Patch[string]{Set: true, Value: &text}
	switch field {
	case "email":
		_, flaw := judgeEmail(text)
		return flaw
	case "password":
		return auth.JudgePassword(auth.NormalizePassword(text), s.config.PasswordMinLength)
	case "username":
		return judgeUsername(text)
	case "displayName":
		profile.DisplayName = value
	case "bio":
		profile.Bio = value
	case "location":
		profile.Location = value
	case "phoneNumber":
		profile.PhoneNumber = value
	}
	var faults fault.Faults
	judgeProfile(&faults, field, &profile)
	if found := faults.Fields(); len(found) > 0 {
		return found[0].Flaw
	}
	return fault.Flaw{}
}
