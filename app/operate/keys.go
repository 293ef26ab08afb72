package operate

import (
	"errors"
	"time"

	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth/keys"
)

// SigningKeys is the key file of the service.
type SigningKeys struct{ Path string }

// KeysOf returns the key file of the service.
func KeysOf(c config.Config) (SigningKeys, error) {
	if c.IsSubgraph() {
		return SigningKeys{}, errors.New("a second subgraph has no signing keys: those of FREEHOLD_ISSUER sign its tokens")
	}
	return SigningKeys{c.SigningKeyPath()}, nil
}

// List returns the keys of the file, oldest first.
func (k SigningKeys) List(now time.Time) ([]keys.Info, error) { return keys.List(k.Path, now) }

// Revoke deletes a key, or all if kid is empty; see keys.Revoke.
func (k SigningKeys) Revoke(kid string, now time.Time) (revoked []string, added string, err error) {
	return keys.Revoke(k.Path, kid, now)
}

// RotateKeys adds a key to the service's key file, and returns its kid and the file.
func RotateKeys(c config.Config, now time.Time) (kid, path string, err error) {
	k, err := KeysOf(c)
	if err != nil {
		return "", "", err
	}
	kid, err = keys.Rotate(k.Path, now)
	return kid, k.Path, err
}
