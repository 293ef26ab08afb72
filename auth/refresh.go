package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
)

// A refresh token is the id of its session, 256 secret bits and a tag, in base64url. The tag tells a token that we have
// issued from one that was altered or made up, so that only the reuse of a real one can end its session.
const (
	secretBytes  = sha256.Size
	tagBytes     = 16
	refreshBytes = 16 + secretBytes + tagBytes
)

var refreshEncoding = base64.RawURLEncoding.Strict() // one spelling for each token

// Refresh is a refresh token, read.
type Refresh struct {
	SessionID uuid.UUID
	Hash      []byte // as it is stored
	Genuine   bool   // whether its tag is one of ours
	raw       []byte
}

// HashToken is the form in which a token is stored: SHA-256, enough for a value of 256 random bits.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// NewRefresh makes the first refresh token of a session. Only its hash is stored.
func (k *Keys) NewRefresh(sessionID uuid.UUID) (token string, hash []byte) {
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	return k.signing().refreshToken(sessionID, secret)
}

// ReadRefresh reads a refresh token; ok is false for what cannot be one.
func (k *Keys) ReadRefresh(token string) (r Refresh, ok bool) {
	if len(token) != refreshEncoding.EncodedLen(refreshBytes) {
		return r, false
	}
	raw, err := refreshEncoding.DecodeString(token)
	if err != nil || len(raw) != refreshBytes { // shorter: base64 passes over line breaks
		return r, false
	}
	r = Refresh{SessionID: uuid.UUID(raw[:16]), Hash: HashToken(token), raw: raw}
	for _, key := range k.all() {
		r.Genuine = r.Genuine || hmac.Equal(mac(key.tag, raw[:16+secretBytes])[:tagBytes], raw[16+secretBytes:])
	}
	return r, true
}

// Successor returns the token that replaces r: always the same one, so that a retry gets it too, and 200 at once do.
func (k *Keys) Successor(r Refresh) (token string, hash []byte) {
	key := k.signing()
	return key.refreshToken(r.SessionID, mac(key.successor, r.raw))
}

// SuccessorOf returns the successor of r whose hash was stored, whichever of our keys had made it; "" if it was not
// made from r.
func (k *Keys) SuccessorOf(r Refresh, stored []byte) string {
	for _, key := range k.all() {
		if token, hash := key.refreshToken(r.SessionID, mac(key.successor, r.raw)); bytes.Equal(hash, stored) {
			return token
		}
	}
	return ""
}

func (k key) refreshToken(sessionID uuid.UUID, secret []byte) (token string, hash []byte) {
	raw := append(append(make([]byte, 0, refreshBytes), sessionID[:]...), secret...)
	raw = append(raw, mac(k.tag, raw)[:tagBytes]...)
	token = refreshEncoding.EncodeToString(raw)
	return token, HashToken(token)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
