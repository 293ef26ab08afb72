package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"freehold.dev/freehold/auth/keys"
)

// oldKey is the age at which a signing key should be replaced.
const oldKey = 365 * 24 * time.Hour

func (o *Options) signingKeys(context.Context) Finding {
	// The real clock, since the file has the times of the machine that rotated.
	now := o.Now()
	list, err := keys.List(o.SigningKeys, now)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !o.Production:
		return ok("they are created at the first start")
	case err != nil:
		return result(err, "", "correct FREEHOLD_SIGNING_KEY_FILE, or the mode of the file; see docs/deployment.md, \"The server\"")
	}
	next := 0
	var signing keys.Info
	for _, k := range list {
		switch k.State {
		case keys.Next:
			next++
		case keys.Signs:
			signing = k
		case keys.Verifies:
		}
	}
	text := "the key " + signing.ID + " signs"
	if !signing.Created.IsZero() {
		text += fmt.Sprintf(", %d days old", int(now.Sub(signing.Created).Hours()/24))
	}
	if next > 0 {
		text += fmt.Sprintf("; %d will sign within ten minutes", next)
	}
	if !signing.Created.IsZero() && now.Sub(signing.Created) > oldKey {
		return warn("run `freehold keys rotate`", "%s", text)
	}
	return ok("%s", text)
}

func (o *Options) encryptionKey(context.Context) Finding {
	exists, err := o.Encryption()
	switch {
	case err != nil:
		return result(err, "", "correct FREEHOLD_ENCRYPTION_KEY_FILE or FREEHOLD_ENCRYPTION_KEY; see docs/configuration.md, \"The encryption key\"")
	case exists:
		return ok("it can be read")
	case o.Production:
		return warn("set FREEHOLD_ENCRYPTION_KEY_FILE", "there is none, so no user can add an authenticator app")
	}
	return ok("it is created at the first start")
}

// plural returns a number with a word.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
