package auth

import (
	"crypto/hmac"
	"encoding/base32"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// A one-time code is not stored, only its id: whoever reads the database or the outbox learns no code. It is 40 bits of
// an HMAC of the id, as eight characters of Crockford's base32, which has no letters that look like digits.
const (
	codeBytes = 5
	codeChars = 8
)

var codeEncoding = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Code returns the one-time code of an id as it is shown to people, XXXX-XXXX. After a rotation of the keys it is
// another one, and IsCode takes both.
func (k *Keys) Code(id uuid.UUID) string {
	code := k.signing().oneTimeCode(id)
	return code[:codeChars/2] + "-" + code[codeChars/2:]
}

// IsCode reports whether a typed text is the one-time code of an id, derived by any of our keys. Case, white space, dashes,
// invisible characters and the width of letters don't matter. O is read as 0, and I and L as 1. The time it takes does not
// depend on how much of the code is right. The caller decides whether the code is still valid, and how often it may be tried.
func (k *Keys) IsCode(id uuid.UUID, typed string) bool {
	code, ok := readCode(typed)
	if !ok {
		return false
	}
	found := false
	for _, key := range k.all() {
		found = hmac.Equal([]byte(key.oneTimeCode(id)), []byte(code)) || found
	}
	return found
}

// CanBeCode reports whether a typed text has the form of a one-time code.
func CanBeCode(typed string) bool {
	_, ok := readCode(typed)
	return ok
}

func (k key) oneTimeCode(id uuid.UUID) string {
	return codeEncoding.EncodeToString(mac(k.code, id[:])[:codeBytes])
}

// longestTyped is the longest text that is read as a code, in bytes.
const longestTyped = 256

// readCode brings a typed code into the form in which it is derived; ok is false for what cannot be one.
func readCode(typed string) (code string, ok bool) {
	if len(typed) > longestTyped {
		return "", false
	}
	read := make([]rune, 0, codeChars)
	for _, r := range norm.NFKC.String(typed) {
		if unicode.IsSpace(r) || IsDash(r) || IsInvisible(r) {
			continue
		}
		r = unicode.ToUpper(PlainDigit(r))
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if len(read) == codeChars {
			return "", false
		}
		read = append(read, r)
	}
	code = string(read)
	raw, err := codeEncoding.DecodeString(code)
	return code, err == nil && len(raw) == codeBytes
}
