package config

import (
	"fmt"
	"net/url"

	"freehold.dev/freehold/mail"
)

// Host returns the host of the public URL, which is also the default name of the service.
func (c *Config) Host() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// SenderName returns the name of the sender for a FREEHOLD_MAIL_FROM without one: the name of the service, or "" if that is only
// the host, which would look like the address of another sender.
func (c *Config) SenderName() string {
	if c.AppName == c.Host() {
		return ""
	}
	return c.AppName
}

// Links returns the pages of the front end that take the codes of mails.
func (c *Config) Links() map[mail.Kind]string {
	return map[mail.Kind]string{
		mail.VerifyEmail: c.VerifyEmailURL, mail.ResetPassword: c.ResetPasswordURL, mail.ChangeEmail: c.ChangeEmailURL, mail.SignInCode: c.SignInURL,
	}
}

// mailFaults returns what is wrong with the settings of mails. In production links must be https, since others on the network could
// read the code otherwise.
func (c *Config) mailFaults() (faults []error) {
	if err := mail.CheckName(c.AppName); err != nil && c.AppName != c.Host() {
		faults = append(faults, fmt.Errorf("FREEHOLD_APP_NAME: %w", err))
	}
	check := func(name, value string, validate func(string) error) {
		switch err := validate(value); {
		case value == "":
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		case !c.Development() && mail.IsPlain(value):
			faults = append(faults, fmt.Errorf("%s: must be https in production, except on localhost", name))
		}
	}
	check("FREEHOLD_APP_URL", c.AppURL, mail.CheckPage)
	check("FREEHOLD_VERIFY_EMAIL_URL", c.VerifyEmailURL, mail.CheckLink)
	check("FREEHOLD_RESET_PASSWORD_URL", c.ResetPasswordURL, mail.CheckLink)
	check("FREEHOLD_CHANGE_EMAIL_URL", c.ChangeEmailURL, mail.CheckLink)
	check("FREEHOLD_SIGN_IN_URL", c.SignInURL, mail.CheckLink)
	return faults
}
