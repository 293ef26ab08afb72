package config

import (
	"strings"
	"testing"

	"freehold.dev/freehold/auth/totp"
)

// The keys come from a variable or from a file. No error and no print shows a key.
func TestEncryptionKeySettings(t *testing.T) {
	t.Parallel()
	key := totp.NewKey()
	for setting, fault := range map[string]string{
		"FREEHOLD_ENCRYPTION_KEY=" + key:                                      "",
		"FREEHOLD_ENCRYPTION_KEY=" + key + "," + totp.NewKey():                "",
		"FREEHOLD_ENCRYPTION_KEY_FILE=/etc/key":                               "",
		"FREEHOLD_ENCRYPTION_KEY=" + key[1:]:                                  "FREEHOLD_ENCRYPTION_KEY: key 1 is not 32 bytes in base64",
		"FREEHOLD_ENCRYPTION_KEY=" + key + " canary":                          "FREEHOLD_ENCRYPTION_KEY: key 2 is not 32 bytes in base64",
		"FREEHOLD_ENCRYPTION_KEY=" + key + "\nFREEHOLD_ENCRYPTION_KEY_FILE=x": "FREEHOLD_ENCRYPTION_KEY and FREEHOLD_ENCRYPTION_KEY_FILE: set only one of them",
	} {
		c, err := Load(strings.Split(setting, "\n"))
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %q", setting, err, fault)
		}
		if shown := c.Print(); strings.Contains(shown, key[1:]) || err != nil && (strings.Contains(err.Error(), key[1:]) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("a key is shown: %v\n%s", err, shown)
		}
	}
}
