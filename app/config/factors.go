package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"freehold.dev/freehold/auth/totp"
)

// Factors has the settings of second factors.
type Factors struct {
	EncryptionKey     string   `env:"FREEHOLD_ENCRYPTION_KEY"      secret:"whole"` // or the file
	EncryptionKeyFile string   `env:"FREEHOLD_ENCRYPTION_KEY_FILE"`                // default: created in the data folder, in development
	RequireMFA        []string `env:"FREEHOLD_REQUIRE_MFA"`                        // scopes, comma-separated; * for all
}

// faults returns what is wrong with settings that were parsed. The errors contain no key.
func (c *Factors) faults() (faults []error) {
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

// OwnVaultPath returns the file in the data folder that has the encryption keys, or "" if a setting gives the keys. In production,
// only settings do.
func (c *Config) OwnVaultPath() string {
	if c.EncryptionKey != "" || c.EncryptionKeyFile != "" || !c.Development() {
		return ""
	}
	return filepath.Join(c.DataDir, "encryption-key")
}

// Vault returns the keys that secrets are encrypted with; nil if there are none.
func (c *Config) Vault() (*totp.Vault, error) {
	switch own := c.OwnVaultPath(); {
	case c.EncryptionKey != "":
		return totp.NewVault(c.EncryptionKey)
	case c.EncryptionKeyFile != "":
		v, err := totp.LoadVault(c.EncryptionKeyFile)
		if err != nil {
			return nil, fmt.Errorf("FREEHOLD_ENCRYPTION_KEY_FILE: %w", err)
		}
		return v, nil
	case own != "":
		v, err := totp.LoadVault(own)
		if !errors.Is(err, fs.ErrNotExist) {
			return v, err
		}
	}
	return nil, nil //nolint:nilnil // documented
}
