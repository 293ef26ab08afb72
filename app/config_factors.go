package app

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/oauth"
)

// FactorSettings are the settings of second factors.
type FactorSettings struct {
	EncryptionKey     string   `env:"FREEHOLD_ENCRYPTION_KEY"      secret:"whole"` // or the file
	EncryptionKeyFile string   `env:"FREEHOLD_ENCRYPTION_KEY_FILE"`                // default: created in the data folder, in development
	RequireMFA        []string `env:"FREEHOLD_REQUIRE_MFA"`                        // scopes, comma-separated; * for all
}

// allScopes is the value of FREEHOLD_REQUIRE_MFA for all scopes.
const allScopes = "*"

// faults returns what is wrong with settings that were parsed. The errors contain no key.
func (c *FactorSettings) faults() (faults []error) {
	if c.EncryptionKey != "" && c.EncryptionKeyFile != "" {
		faults = append(faults, errors.New("FREEHOLD_ENCRYPTION_KEY and FREEHOLD_ENCRYPTION_KEY_FILE: set only one of them"))
	}
	if c.EncryptionKey != "" {
		if _, err := totp.NewVault(c.EncryptionKey); err != nil {
			faults = append(faults, fmt.Errorf("FREEHOLD_ENCRYPTION_KEY: %w", err))
		}
	}
	return faults
}

// vault returns the keys that secrets are encrypted with; nil if there are none, in production.
func (c *Config) vault() (*totp.Vault, error) {
	switch {
	case c.EncryptionKey != "":
		return totp.NewVault(c.EncryptionKey)
	case c.EncryptionKeyFile != "":
		v, err := totp.LoadVault(c.EncryptionKeyFile)
		if err != nil {
			return nil, fmt.Errorf("FREEHOLD_ENCRYPTION_KEY_FILE: %w", err)
		}
		return v, nil
	case !c.Development():
		return nil, nil //nolint:nilnil // documented
	}
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil { //nolint:gosec // the private PostgreSQL, another OS user, has its folder below
		return nil, fmt.Errorf("create the data folder (FREEHOLD_DATA_DIR): %w", err)
	}
	return totp.LoadOrCreateVault(filepath.Join(c.DataDir, "encryption-key"))
}

// checkStrongScopes returns an error for a scope of FREEHOLD_REQUIRE_MFA that no module declares: a misspelled scope would need no second
// factor.
func (p *Program) checkStrongScopes(c Config) error {
	known := map[string]string{}
	for _, m := range p.modules {
		maps.Copy(known, m.Scopes)
	}
	for _, scope := range c.RequireMFA {
		if _, ok := known[scope]; !ok && scope != allScopes {
			return fmt.Errorf("FREEHOLD_REQUIRE_MFA: this program has no scope %q; it has %q", scope, slices.Sorted(maps.Keys(known)))
		}
	}
	return nil
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
