package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/internal/runes"
)

// A one-time code is not stored. Stored are a seed, with its mail, and an id, with its account. So nobody can read a code in the
// database. The code is 40 bits of an HMAC of the seed, as eight characters of Crockford's base32, which has no letters that look
// like digits. The id is an HMAC of the code, its purpose, and the address that it was sent to. So only somebody who has the code
// and our keys can compute the id.
const (
	codeBytes = 5
	codeChars = 8
	keyMark   = 4 // bytes of a seed that name its signing key

	// The uses of keys.Key.MAC.
	codeUse   = "freehold one-time code"
	codeIDUse = "freehold one-time code id"
)

var codeEncoding = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Secrets derives what mails contain from the signing keys: one-time codes, and secrets such as that of an invitation.
type Secrets struct{ keys *keys.Set }

// NewSecrets returns the secrets of a set of signing keys.
func NewSecrets(set *keys.Set) *Secrets { return &Secrets{keys: set} }

// NewCode creates a one-time code for a purpose and a normalised address. It returns the seed, which is random, and the id.
func (s *Secrets) NewCode(purpose, emailKey string) (seed, id uuid.UUID) {
	key := s.keys.Signing()
	rand.Read(seed[:])
	copy(seed[:keyMark], markOf(key))
	return seed, oneTimeID(key, purpose, emailKey, oneTimeCode(key, seed))
}

// Code returns the one-time code of a seed as users see it, XXXX-XXXX; "" if the signing key of the seed was deleted.
func (s *Secrets) Code(seed uuid.UUID) string {
	for _, key := range s.keys.All() {
		if bytes.Equal(markOf(key), seed[:keyMark]) {
			code := oneTimeCode(key, seed)
			return code[:codeChars/2] + "-" + code[codeChars/2:]
		}
	}
	return ""
}

// CodeIDs returns the ids that a typed code can have, one for each signing key; none if the text cannot be a code. It ignores
// case, white space, dashes, invisible characters and the width of letters. It reads O as 0, and I and L as 1. The caller decides
// whether such a code exists, whether it is still valid, and how often it may be tried.
func (s *Secrets) CodeIDs(purpose, emailKey, typed string) (ids []uuid.UUID) {
	code, ok := readCode(typed, codeBytes)
	if !ok {
		return nil
	}
	for _, key := range s.keys.All() {
		ids = append(ids, oneTimeID(key, purpose, emailKey, code))
	}
	return ids
}

// CanBeCode reports whether a typed text has the form of a one-time code.
func CanBeCode(typed string) bool {
	_, ok := readCode(typed, codeBytes)
	return ok
}

// NewSecret creates a secret of 256 bits, such as that of an invitation. It returns the seed, which is random, and the secret. Store
// HashToken of the secret. The seed is the id of the mail with the secret, which is not stored either.
func (s *Secrets) NewSecret() (seed uuid.UUID, secret string) {
	key := s.keys.Signing()
	rand.Read(seed[:])
	copy(seed[:keyMark], markOf(key))
	return seed, secretOf(key, seed)
}

// Secret returns the secret of a seed; "" if the signing key of the seed was deleted.
func (s *Secrets) Secret(seed uuid.UUID) string {
	for _, key := range s.keys.All() {
		if bytes.Equal(markOf(key), seed[:keyMark]) {
			return secretOf(key, seed)
		}
	}
	return ""
}

func secretOf(key keys.Key, seed uuid.UUID) string {
	return refreshEncoding.EncodeToString(key.MAC(codeUse, append([]byte("secret"), seed[:]...)))
}

func markOf(key keys.Key) []byte { return key.MAC(codeUse, []byte("mark"))[:keyMark] }

func oneTimeCode(key keys.Key, seed uuid.UUID) string {
	return codeEncoding.EncodeToString(key.MAC(codeUse, seed[:])[:codeBytes])
}

func oneTimeID(key keys.Key, purpose, emailKey, code string) uuid.UUID {
	return uuid.UUID(key.MAC(codeIDUse, []byte(strings.Join([]string{purpose, emailKey, code}, "\x00")))[:len(uuid.UUID{})])
}

// longestTyped is the longest text that readCode accepts, in bytes.
const longestTyped = 256

// readCode brings a typed code of a size, in bytes, into the form in which it is derived. It reports false for a text that cannot be a
// code.
func readCode(typed string, size int) (code string, ok bool) {
	if len(typed) > longestTyped {
		return "", false
	}
	chars := codeEncoding.EncodedLen(size)
	read := make([]rune, 0, chars)
	for _, r := range norm.NFKC.String(typed) {
		if unicode.IsSpace(r) || runes.IsDash(r) || runes.IsInvisible(r) {
			continue
		}
		r = unicode.ToUpper(runes.PlainDigit(r))
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if len(read) == chars {
			return "", false
		}
		read = append(read, r)
	}
	code = string(read)
	raw, err := codeEncoding.DecodeString(code)
	return code, err == nil && len(raw) == size
}
