package app

import (
	"fmt"
	"net/url"

	"freehold/mail"
)

// host is the host of the public URL, which the service is called by if it has no name.
func (c *Config) host() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// links are the pages of the front end that take the codes of mails.
func (c *Config) links() map[mail.Kind]string {
	return map[mail.Kind]string{mail.VerifyEmail: c.VerifyEmailURL, mail.ResetPassword: c.ResetPasswordURL, mail.ChangeEmail: c.ChangeEmailURL}
}

// mailFaults returns what is wrong with the settings of what mails say. A code that is sent to a page in clear text gives
// the account away, so production does not link to such pages.
func (c *Config) mailFaults() (faults []error) {
	if err := mail.CheckName(c.AppName); err != nil && c.AppName != c.host() {
		faults = append(faults, fmt.Errorf("FREEHOLD_APP_NAME: %w", err))
	}
	check := func(name, value string, judge func(string) error) {
		switch err := judge(value); {
		case value == "":
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		case !c.Development() && mail.IsPlain(value):
			faults = append(faults, fmt.Errorf("%s: production needs https, except on localhost", name))
		}
	}
	check("FREEHOLD_APP_URL", c.AppURL, mail.CheckPage)
	check("FREEHOLD_VERIFY_EMAIL_URL", c.VerifyEmailURL, mail.CheckLink)
	check("FREEHOLD_RESET_PASSWORD_URL", c.ResetPasswordURL, mail.CheckLink)
	check("FREEHOLD_CHANGE_EMAIL_URL", c.ChangeEmailURL, mail.CheckLink)
	return faults
}
