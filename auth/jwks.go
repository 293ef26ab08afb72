package auth

import (
	"crypto/ed25519"
	"encoding/base64"
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

// JWKS returns the public keys of all signing keys, including those that do not sign yet or no longer sign.
func (k *Keys) JWKS() JWKS {
	set := JWKS{Keys: []JWK{}}
	for _, key := range k.all() {
		public := key.private.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, JWK{
			KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(public), KeyID: key.id, Use: "sig", Algorithm: "EdDSA",
		})
	}
	return set
}
