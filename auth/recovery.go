package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"
)

// A recovery code has 120 random bits, so one SHA-256 is enough to store it (NIST SP 800-63B, look-up secrets of at least 112 bits).
const (
	recoveryBytes = 15
	recoveryGroup = 4 // characters between two dashes
)

// NewRecoveryCode creates a recovery code, as users see it: six groups of four characters. Store only HashRecoveryCode of it.
func NewRecoveryCode() string {
	raw := make([]byte, recoveryBytes)
	rand.Read(raw)
	text := codeEncoding.EncodeToString(raw)
	groups := make([]string, 0, len(text)/recoveryGroup)
	for ; text != ""; text = text[recoveryGroup:] {
		groups = append(groups, text[:recoveryGroup])
	}
	return strings.Join(groups, "-")
}

// HashRecoveryCode returns the form in which a typed recovery code of a user is stored. It reads the code as CodeIDs reads one-time
// codes, and reports false for a text that cannot be a recovery code.
func HashRecoveryCode(userID uuid.UUID, typed string) (hash []byte, ok bool) {
	code, ok := readCode(typed, recoveryBytes)
	if !ok {
		return nil, false
	}
	sum := sha256.Sum256([]byte("freehold recovery code " + userID.String() + " " + code))
	return sum[:], true
}
