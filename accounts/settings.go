package accounts

import (
	"time"

	"freehold.dev/freehold/accounts/input"
)

// Settings are what a front end needs before a user signs in. They are the values that the use cases apply.
type Settings struct {
	Password, Username, DisplayName, Bio, Location input.Length

	DefaultVisibility    string // PRIVATE, MEMBERS or PUBLIC
	RequireVerifiedEmail bool
	CodeLifetime         time.Duration
	ReauthAfter          time.Duration
	UsernameHold         time.Duration
}

// Settings returns the public settings.
func (s *Service) Settings() Settings {
	return Settings{
		Password: s.passwords.Length(), Username: input.UsernameLength,
		DisplayName: input.DisplayName.Length(), Bio: input.Bio.Length(), Location: input.Location.Length(),
		DefaultVisibility: s.config.DefaultVisibility, RequireVerifiedEmail: s.config.RequireVerifiedEmail,
		CodeLifetime: s.config.CodeLifetime, ReauthAfter: s.config.Reauthentication.After, UsernameHold: s.config.UsernameHold,
	}
}
