package accounts

import (
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// These functions judge single values of inputs that are refused for other faults, by the rules of the use cases. They do not
// ask the database; see JudgeSignUp for what is taken.

// JudgeEmail returns what is wrong with an e-mail address.
func (s *Service) JudgeEmail(typed string) fault.Flaw {
	_, flaw := readEmail(typed)
	return flaw
}

// JudgeUsername returns what is wrong with a username that an account wants to have.
func (s *Service) JudgeUsername(typed string) fault.Flaw {
	_, _, flaw := s.readNewUsername(typed)
	return flaw
}

// JudgePassword returns what is wrong with a new password of an unknown account.
func (s *Service) JudgePassword(password string) fault.Flaw {
	return passwords.Validate(passwords.Normalize(password), s.config.PasswordMinLength)
}

// JudgeCode returns what is wrong with a text that cannot be a one-time code.
func (s *Service) JudgeCode(typed string) fault.Flaw {
	if auth.CanBeCode(typed) {
		return fault.Flaw{}
	}
	return wrongCode
}

// JudgeProfile returns what is wrong with the fields of a profile, by their names.
func (s *Service) JudgeProfile(fields db.ProfileFields) []fault.Field {
	var faults fault.Faults
	s.readProfile(&faults, "", &fields)
	return faults.Fields()
}
