package totp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"freehold.dev/freehold/auth/keys"
)

// A sealed secret is a version, the mark of its key, a nonce, and the secret encrypted with AES-256-GCM. The id of its row is
// authenticated with it, so that a secret cannot be copied to another account.
const (
	keyBytes  = 32
	markBytes = 8
	version   = 1
)

// ErrUnknownKey means that a secret was sealed with a key that the vault does not have.
var ErrUnknownKey = errors.New("a secret was sealed with another key")

// Vault seals secrets with the first of its keys, and opens them with any.
type Vault struct{ keys []vaultKey }

type vaultKey struct {
	mark []byte
	aead cipher.AEAD
}

// NewKey creates a key as ParseKeys reads it.
func NewKey() string {
	key := make([]byte, keyBytes)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// NewVault reads keys of 32 bytes in base64, separated by commas or white space, the newest first. The error does not contain the text.
func NewVault(text string) (*Vault, error) {
	v := &Vault{}
	for i, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		raw, err := base64.StdEncoding.DecodeString(field)
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("key %d is not 32 bytes in base64; `openssl rand -base64 32` creates one", i+1)
		}
		key, err := newVaultKey(raw)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, key)
	}
	if len(v.keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return v, nil
}

// LoadVault reads the keys of a file. It refuses a file that other users than its owner and group can read.
func LoadVault(path string) (*Vault, error) {
	text, err := keys.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read encryption keys: %w", err)
	}
	v, err := NewVault(string(text))
	if err != nil {
		return nil, fmt.Errorf("read encryption keys: %s: %w", path, err)
	}
	return v, nil
}

// LoadOrCreateVault is LoadVault, but creates a file with a first key if there is none, for development. If two processes start at
// once, both use the key of the first one.
func LoadOrCreateVault(path string) (*Vault, error) {
	v, err := LoadVault(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if err := keys.CreateFile(path, []byte(NewKey()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write encryption keys: %w", err)
	}
	return LoadVault(path)
}

func newVaultKey(raw []byte) (vaultKey, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return vaultKey{}, fmt.Errorf("read an encryption key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return vaultKey{}, fmt.Errorf("read an encryption key: %w", err)
	}
	sum := sha256.Sum256(append([]byte("freehold encryption key"), raw...))
	return vaultKey{mark: sum[:markBytes], aead: aead}, nil
}

// Seal encrypts a secret for the row with an id.
func (v *Vault) Seal(secret, id []byte) []byte {
	key := v.keys[0]
	nonce := make([]byte, key.aead.NonceSize())
	rand.Read(nonce)
	sealed := append(append([]byte{version}, key.mark...), nonce...)
	return key.aead.Seal(sealed, nonce, secret, id)
}

// Open decrypts the secret of the row with an id. The error is ErrUnknownKey if the vault lacks its key.
func (v *Vault) Open(sealed, id []byte) ([]byte, error) {
	key := v.keyOf(sealed)
	if key == nil {
		return nil, ErrUnknownKey
	}
	head := 1 + markBytes + key.aead.NonceSize()
	if len(sealed) < head {
		return nil, errors.New("open a sealed secret: it is too short")
	}
	secret, err := key.aead.Open(nil, sealed[1+markBytes:head], sealed[head:], id)
	if err != nil {
		return nil, fmt.Errorf("open a sealed secret: %w", err)
	}
	return secret, nil
}

func (v *Vault) keyOf(sealed []byte) *vaultKey {
	for i, key := range v.keys {
		if len(sealed) > 1+markBytes && sealed[0] == version && bytes.Equal(sealed[1:1+markBytes], key.mark) {
			return &v.keys[i]
		}
	}
	return nil
}

// Marks returns the first bytes of the secrets that the vault can open: those of the newest key first.
func (v *Vault) Marks() [][]byte {
	marks := make([][]byte, len(v.keys))
	for i, key := range v.keys {
		marks[i] = append([]byte{version}, key.mark...)
	}
	return marks
}
