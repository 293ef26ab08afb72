package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ofSubgraphs are the settings that only a second subgraph has.
var ofSubgraphs = []string{"FREEHOLD_ISSUER", "FREEHOLD_AUDIENCE"}

// ofAccounts are the settings that only a service with accounts has, besides its limits.
var ofAccounts = []string{
	"FREEHOLD_SIGNING_KEY_FILE",
	"FREEHOLD_ENCRYPTION_KEY",
	"FREEHOLD_ENCRYPTION_KEY_FILE",
	"FREEHOLD_REQUIRE_MFA",
	"FREEHOLD_SMTP_URL",
	"FREEHOLD_MAIL_FROM",
	"FREEHOLD_APP_NAME",
	"FREEHOLD_APP_URL",
	"FREEHOLD_VERIFY_EMAIL_URL",
	"FREEHOLD_RESET_PASSWORD_URL",
	"FREEHOLD_CHANGE_EMAIL_URL",
	"FREEHOLD_SIGN_IN_URL",
	"FREEHOLD_MAIL_TEMPLATES",
	"FREEHOLD_DEFAULT_VISIBILITY",
	"FREEHOLD_PASSWORD_MIN_LENGTH",
	"FREEHOLD_PASSWORD_QUEUE",
	"FREEHOLD_ACCESS_TOKEN_TTL",
	"FREEHOLD_TOKEN_AUDIENCES",
	"FREEHOLD_SESSION_IDLE",
	"FREEHOLD_SESSION_LIFETIME",
	"FREEHOLD_REFRESH_GRACE",
	"FREEHOLD_EVENT_RETENTION",
	"FREEHOLD_REAUTH_AFTER",
	"FREEHOLD_CODE_LIFETIME",
	"FREEHOLD_USERNAME_HOLD",
	"FREEHOLD_RESERVED_USERNAMES",
	"FREEHOLD_REQUIRE_VERIFIED_EMAIL",
	"FREEHOLD_PENDING_LIFETIME",
	"FREEHOLD_BREACH_URL",
	"FREEHOLD_ANONYMOUS",
	"FREEHOLD_ANONYMOUS_MAX",
	"FREEHOLD_ANONYMOUS_IDLE",
	"FREEHOLD_ACCOUNT_SESSIONS",
	"FREEHOLD_ACCOUNT_EVENTS",
	"FREEHOLD_PASSWORD_SHARE",
	"FREEHOLD_PASSKEY_RP_ID",
	"FREEHOLD_PASSKEY_ORIGINS",
	"FREEHOLD_PASSKEY_USER_VERIFICATION",
}

// has reports whether a setting has a meaning for this kind of service.
func (c *Config) has(name string) bool {
	name = cmp.Or(settingOf(name), name)
	if c.subgraph {
		return !slices.Contains(ofAccounts, name) && !strings.HasPrefix(name, oidcPrefix) && (!strings.HasPrefix(name, "FREEHOLD_LIMIT_") || name == "FREEHOLD_LIMIT_WRITE")
	}
	return !slices.Contains(ofSubgraphs, name)
}

// meaningless returns the error for a setting that has no meaning for this kind of service.
func (c *Config) meaningless(name string) error {
	if c.subgraph {
		return fmt.Errorf("%s: must not be set, because this service is a second subgraph, which has no accounts", name)
	}
	return fmt.Errorf("%s: must not be set, because this service has accounts and issues its tokens itself", name)
}

// subgraphFaults returns what is wrong with the settings of a second subgraph.
func (c *Config) subgraphFaults() (faults []error) {
	if !c.subgraph {
		return nil
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case c.Issuer == "":
		faults = append(faults, errors.New("FREEHOLD_ISSUER: required, with the FREEHOLD_PUBLIC_URL of the service that has the accounts"))
	case err != nil || !isHTTP(u) || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		faults = append(faults, errors.New("FREEHOLD_ISSUER: must be an http or https URL without a query"))
	case u.Scheme == "http" && !c.Development():
		faults = append(faults, errors.New("FREEHOLD_ISSUER: must be https in production, because anyone who changes the keys on their way can act as any user"))
	}
	switch {
	case c.Audience == "":
		faults = append(faults, errors.New("FREEHOLD_AUDIENCE: required, with the name of this service in FREEHOLD_TOKEN_AUDIENCES of the service that has the accounts"))
	case !isAudience(c.Audience):
		faults = append(faults, errors.New("FREEHOLD_AUDIENCE: must be an http or https URL without a query, or a name of letters, digits and . _ : -"))
	case c.Audience == c.Issuer:
		faults = append(faults, errors.New("FREEHOLD_AUDIENCE: must not be FREEHOLD_ISSUER, which is an audience of every token"))
	}
	return faults
}
