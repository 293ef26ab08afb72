package app

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/oauth"
)

// loadKeys returns the signing keys. In development, it creates one.
func loadKeys(c config.Config, now func() time.Time) (*keys.Set, error) {
	if c.SigningKey != "" {
		return keys.Load(c.SigningKey, now)
	}
	if err := createDataDir(c); err != nil {
		return nil, err
	}
	return keys.LoadOrCreate(c.SigningKeyPath(), now)
}

// openVault returns the keys that secrets are encrypted with; nil if there are none, in production. In development, it creates one.
func openVault(c config.Config) (*totp.Vault, error) {
	own := c.OwnVaultPath()
	if own == "" {
		return c.Vault()
	}
	if err := createDataDir(c); err != nil {
		return nil, err
	}
	return totp.LoadOrCreateVault(own)
}

func createDataDir(c config.Config) error {
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil { //nolint:gosec // the private PostgreSQL, another OS user, has its folder below
		return fmt.Errorf("create the data folder (FREEHOLD_DATA_DIR): %w", err)
	}
	return nil
}

// newProviders returns the providers that users can sign in with.
func newProviders(c config.Config, now func() time.Time) (list []*oauth.Provider, err error) {
	all, err := c.OAuth()
	for _, s := range all {
		s.Now = now
		list = append(list, oauth.New(s))
	}
	return list, err
}

// newPasskeys returns the protocol of passkeys; nil if there are none.
func newPasskeys(c config.Config) (*passkeys.Service, error) {
	if c.PasskeyRPID == "" {
		return nil, nil //nolint:nilnil // documented
	}
	return passkeys.New(passkeys.Config{
		RPID: c.PasskeyRPID, Name: c.AppName, Origins: c.PasskeyOrigins, Verification: passkeys.Verification(c.PasskeyVerification), Timeout: auth.FlowLifetime,
	})
}

// accepts returns the kinds of factors that the service can check, and the issuers of the providers that it can ask to authenticate a user
// again.
func accepts(providers []*oauth.Provider, passkeys, apps bool) []string {
	list := []string{"PASSWORD", "EMAIL_CODE"}
	if passkeys {
		list = append(list, "PASSKEY")
	}
	if apps {
		list = append(list, "TOTP")
	}
	for _, p := range providers {
		if p.CanReauthenticate() {
			list = append(list, p.Issuer())
		}
	}
	return list
}

// allScopes is the value of FREEHOLD_REQUIRE_MFA for all scopes.
const allScopes = "*"

// checkStrongScopes returns an error for a scope of FREEHOLD_REQUIRE_MFA that no module declares: a misspelled scope would need no second
// factor.
func (p *Program) checkStrongScopes(c config.Config) error {
	known := p.Scopes()
	for _, scope := range c.RequireMFA {
		if _, ok := known[scope]; !ok && scope != allScopes {
			return fmt.Errorf("FREEHOLD_REQUIRE_MFA: this program has no scope %q; it has %q", scope, slices.Sorted(maps.Keys(known)))
		}
	}
	return nil
}
