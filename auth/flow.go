package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// A flow is a series of requests, such as a sign-in with a second factor. What the service knows between two requests is in the
// database, encrypted with a key that only the token of the flow gives. So nobody can read it in the database.

const flowBytes = 32

var flowEncoding = base64.RawURLEncoding

// FlowToken is the token of a flow, as the client sends it.
type FlowToken struct {
	text   string
	secret []byte
}

// NewFlowToken creates the token of a flow: 256 random bits.
func NewFlowToken() FlowToken {
	secret := make([]byte, flowBytes)
	rand.Read(secret)
	return FlowToken{flowEncoding.EncodeToString(secret), secret}
}

// ReadFlowToken reads a token that a client sent. It reports false for a text that cannot be one.
func ReadFlowToken(text string) (FlowToken, bool) {
	secret, err := flowEncoding.Strict().DecodeString(text)
	if err != nil || len(secret) != flowBytes {
		return FlowToken{}, false
	}
	return FlowToken{text, secret}, true
}

// String returns the token for the client.
func (t FlowToken) String() string { return t.text }

// Hash returns what the database stores instead of the token.
func (t FlowToken) Hash() []byte {
	sum := sha256.Sum256(t.secret)
	return sum[:]
}

// Seal encrypts what a flow knows. Call it once for each token.
func (t FlowToken) Seal(data []byte) ([]byte, error) {
	box, err := t.box()
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, make([]byte, box.NonceSize()), data, nil), nil //nolint:gosec // the key is used once, so the nonce may be constant
}

// Open decrypts what Seal has encrypted with the same token.
func (t FlowToken) Open(sealed []byte) ([]byte, error) {
	box, err := t.box()
	if err != nil {
		return nil, err
	}
	data, err := box.Open(nil, make([]byte, box.NonceSize()), sealed, nil)
	if err != nil {
		return nil, errors.New("open the data of a flow: it was sealed with another token")
	}
	return data, nil
}

func (t FlowToken) box() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, t.secret, nil, "freehold flow", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
