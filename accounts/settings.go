package accounts

import (
	"time"

	"freehold.dev/freehold/auth/passwords"
)

// Length is how many characters (code points) a text may have.
type Length struct{ Min, Max int }

// Settings are what a front end needs to know before a user signs in. They are the values that the use cases apply.
type Settings struct {
	Password, Username, DisplayName, Bio, Location Length

	DefaultVisibility    string // PRIVATE, MEMBERS or PUBLIC
	RequireVerifiedEmail bool
	CodeLifetime         time.Duration
	ReauthAfter          time.Duration
	UsernameHold         time.Duration
}

// Settings returns the public settings.
func (s *Service) Settings() Settings {
	return Settings{
		Password: Length{s.config.PasswordMinLength, passwords.MaxLength}, Username: Length{minUsername, maxUsername},
		DisplayName: Length{0, maxDisplayName}, Bio: Length{0, maxBio}, Location: Length{0, maxLocation},
		DefaultVisibility: s.config.DefaultVisibility, RequireVerifiedEmail: s.config.RequireVerifiedEmail,
		CodeLifetime: s.config.CodeLifetime, ReauthAfter: s.config.ReauthAfter, UsernameHold: s.config.UsernameHold,
	}
}
