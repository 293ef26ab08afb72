package accounts

import (
	"context"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Form has the valid values of a sign-up form, in the form in which they are stored.
type Form struct {
	Email                 input.Email
	Password              string
	Username, UsernameKey string // "" if the form has no username
	Profile               db.ProfileFields
}

// FormParts says which values of a form are validated, besides the address and the profile.
type FormParts struct {
	Password, Username bool
	NewEmail           bool // whether another account with the address is a fault, as far as a visitor may know
}

// ReadForm validates a form as SignUp does, without counting it, and returns its values. Fields of the profile that are null are absent.
func (s *Service) ReadForm(ctx context.Context, in SignUp, parts FormParts) (Form, error) {
	c := s.read(in)
	taken, err := s.findTaken(ctx, &c)
	if err != nil {
		return Form{}, err
	}
	taken.email = taken.email && parts.NewEmail
	if !parts.Username {
		c.usernameFlaw, taken.username = fault.Flaw{}, false
	}
	var password fault.Flaw
	if parts.Password {
		words := s.wordsOf(&c)
		password = s.passwords.ValidateAndLookUp(ctx, c.Password, words)
	}
	faults := c.faults(password, taken)
	if err := faults.Err(); err != nil {
		return Form{}, err
	}
	return Form{Email: c.email, Password: c.Password, Username: c.Username, UsernameKey: c.usernameKey, Profile: present(c.Profile)}, nil
}

// present returns the fields that are not null.
func present(f db.ProfileFields) db.ProfileFields {
	unlessNull(&f.DisplayName)
	unlessNull(&f.Bio)
	unlessNull(&f.AvatarURL)
	unlessNull(&f.WebsiteURL)
	unlessNull(&f.Location)
	unlessNull(&f.Visibility)
	unlessNull(&f.Birthday)
	unlessNull(&f.PhoneNumber)
	return f
}

func unlessNull[T any](field *db.Patch[T]) { field.Set = field.Value != nil }

// Limits returns what counts how often clients do something.
func (s *Service) Limits() *limits.Limiter { return s.limits }

// Hash hashes a valid password. Call it before a transaction, since it takes long.
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	return s.hasher.Hash(ctx, password)
}
