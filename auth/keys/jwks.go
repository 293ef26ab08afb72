package keys

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// JWK is a public key (RFC 7517, RFC 8037).
type JWK struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// JWKS is a set of public keys (RFC 7517, 5).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

const (
	keyType   = "OKP"
	curve     = "Ed25519"
	use       = "sig"
	algorithm = "EdDSA"
)

// JWKS returns the public keys of all signing keys, including those that do not sign yet or no longer sign.
func (s *Set) JWKS() JWKS {
	set := JWKS{Keys: []JWK{}}
	for _, key := range s.All() {
		public := key.private.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, JWK{
			KeyType: keyType, Curve: curve, X: base64.RawURLEncoding.EncodeToString(public), KeyID: key.ID, Use: use, Algorithm: algorithm,
		})
	}
	return set
}

// PublicSet is a set of keys that verify signatures. It does not change.
type PublicSet struct {
	byID map[string]ed25519.PublicKey // by kid
}

// Find returns the key with a kid.
func (s *PublicSet) Find(kid string) (key ed25519.PublicKey, ok bool) {
	key, ok = s.byID[kid]
	return key, ok
}

// Equal reports whether two sets have the same keys.
func (s *PublicSet) Equal(other *PublicSet) bool {
	return maps.EqualFunc(s.byID, other.byID, func(a, b ed25519.PublicKey) bool { return a.Equal(b) })
}

// ParseJWKS returns the keys of a JWKS that Set can have: Ed25519 keys with an id. It ignores keys of other types and for
// other uses.
func ParseJWKS(text []byte) (*PublicSet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("parse JWKS: %w", err)
	}
	if set.Keys == nil {
		return nil, errors.New("parse JWKS: it has no list of keys")
	}
	public := &PublicSet{byID: map[string]ed25519.PublicKey{}}
	for i, raw := range set.Keys {
		var kind struct {
			KeyType string `json:"kty"`
		}
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("parse JWKS: key %d: %w", i, err)
		}
		if kind.KeyType != keyType {
			continue // its other members may have any type
		}
		var key JWK
		if err := json.Unmarshal(raw, &key); err != nil {
			return nil, fmt.Errorf("parse JWKS: key %d: %w", i, err)
		}
		if key.Curve != curve || key.KeyID == "" || key.Use != "" && key.Use != use || key.Algorithm != "" && key.Algorithm != algorithm {
			continue
		}
		x, err := base64.RawURLEncoding.Strict().DecodeString(key.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("parse JWKS: key %d: x is not an Ed25519 public key", i)
		}
		if _, twice := public.byID[key.KeyID]; twice {
			return nil, fmt.Errorf("parse JWKS: key %d: another key has its kid", i)
		}
		public.byID[key.KeyID] = x
	}
	return public, nil
}
