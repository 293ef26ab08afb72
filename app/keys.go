package app

import (
	"cmp"
	"errors"
	"time"

	"freehold.dev/freehold/auth/keys"
)

// KeyInfo describes a signing key without the key itself.
type KeyInfo = keys.Info

// SigningKeys is the key file of the service.
type SigningKeys struct{ Path string }

// KeysOf returns the key file of the service.
func KeysOf(c Config) (SigningKeys, error) {
	if c.subgraph {
		return SigningKeys{}, errors.New("a second subgraph has no signing keys: those of FREEHOLD_ISSUER sign its tokens")
	}
	return SigningKeys{cmp.Or(c.SigningKey, c.developmentKey())}, nil
}

// List returns the keys of the file, oldest first.
func (k SigningKeys) List(now time.Time) ([]KeyInfo, error) { return keys.List(k.Path, now) }

// Revoke deletes a key, or all if kid is empty; see keys.Revoke.
func (k SigningKeys) Revoke(kid string, now time.Time) (revoked []string, added string, err error) {
	return keys.Revoke(k.Path, kid, now)
}

// RotateKeys adds a key to the service's key file, and returns its kid and the file.
func RotateKeys(c Config, now time.Time) (kid, path string, err error) {
	k, err := KeysOf(c)
	if err != nil {
		return "", "", err
	}
	kid, err = keys.Rotate(k.Path, now)
	return kid, k.Path, err
}
