package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
)

// A refresh token is the id of its session, 256 secret bits and a tag, in base64url. The tag proves that we have issued the
// token. So only the reuse of a genuine token revokes its session; an altered or made-up one is just invalid.
const (
	secretBytes  = sha256.Size
	tagBytes     = 16
	refreshBytes = 16 + secretBytes + tagBytes

	// The uses of keys.Key.MAC.
	refreshSuccessor = "freehold refresh successor"
	refreshTag       = "freehold refresh tag"
)

var refreshEncoding = base64.RawURLEncoding.Strict() // one spelling for each token

// Refresh is a parsed refresh token.
type Refresh struct {
	SessionID uuid.UUID
	Hash      []byte // as it is stored
	Genuine   bool   // whether one of our keys has computed its tag
	raw       []byte
}

// HashToken returns the form in which a token is stored. One SHA-256 is enough for a value with 256 random bits.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// NewRefresh creates the first refresh token of a session. Store only its hash.
func (t *Tokens) NewRefresh(sessionID uuid.UUID) (token string, hash []byte) {
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	return refreshToken(t.keys.Signing(), sessionID, secret)
}

// ReadRefresh parses a refresh token. It reports false for a text that cannot be one.
func (t *Tokens) ReadRefresh(token string) (r Refresh, ok bool) {
	if len(token) != refreshEncoding.EncodedLen(refreshBytes) {
		return r, false
	}
	raw, err := refreshEncoding.DecodeString(token)
	if err != nil || len(raw) != refreshBytes { // shorter if the text has line breaks, which base64 ignores
		return r, false
	}
	r = Refresh{SessionID: uuid.UUID(raw[:16]), Hash: HashToken(token), raw: raw}
	for _, key := range t.keys.All() {
		r.Genuine = r.Genuine || hmac.Equal(key.MAC(refreshTag, raw[:16+secretBytes])[:tagBytes], raw[16+secretBytes:])
	}
	return r, true
}

// Successor returns the token that replaces r. It is always the same one as long as the same key signs, so that retries and
// concurrent requests all get it.
func (t *Tokens) Successor(r Refresh) (token string, hash []byte) {
	key := t.keys.Signing()
	return refreshToken(key, r.SessionID, key.MAC(refreshSuccessor, r.raw))
}

// SuccessorOf returns the successor of r whose hash was stored, under whichever key it was derived; "" if it is no successor of
// r.
func (t *Tokens) SuccessorOf(r Refresh, stored []byte) string {
	for _, key := range t.keys.All() {
		if token, hash := refreshToken(key, r.SessionID, key.MAC(refreshSuccessor, r.raw)); bytes.Equal(hash, stored) {
			return token
		}
	}
	return ""
}

func refreshToken(key keys.Key, sessionID uuid.UUID, secret []byte) (token string, hash []byte) {
	raw := append(append(make([]byte, 0, refreshBytes), sessionID[:]...), secret...)
	raw = append(raw, key.MAC(refreshTag, raw)[:tagBytes]...)
	token = refreshEncoding.EncodeToString(raw)
	return token, HashToken(token)
}
