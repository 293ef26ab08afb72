// Package totp owns time-based one-time passwords (RFC 6238): the secret that an authenticator app shares with the service, its codes,
// and how the secret is sealed while it is stored. It must not know SQL or GraphQL. It cannot know whether a code was used already: the
// database decides that, with the step that Step returns.
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/internal/runes"
)

// The parameters are the defaults of RFC 6238 and RFC 4226. Many apps ignore others.
const (
	period      = 30 * time.Second
	digits      = otp.DigitsSix
	secretBytes = 20
	skew        = 1 // how many steps the clock of a phone may be early or late
)

// Secret is what an authenticator app and the service share: 160 random bits.
type Secret []byte

// NewSecret creates a secret.
func NewSecret() Secret {
	s := make(Secret, secretBytes)
	rand.Read(s)
	return s
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text returns the secret as users type it into an app that cannot scan its URI: base32 (RFC 4648) without padding.
func (s Secret) Text() string { return encoding.EncodeToString(s) }

// URI returns the otpauth URI of the secret, for a QR code. Issuer and account are what the app shows; a colon separates them there.
// It does not come from the library, which leaves an ampersand in the issuer as it is.
func (s Secret) URI(issuer, account string) string {
	plain := strings.NewReplacer(":", " ")
	issuer, account = plain.Replace(issuer), plain.Replace(account)
	query := url.Values{
		"secret": {s.Text()}, "issuer": {issuer}, "algorithm": {otp.AlgorithmSHA1.String()}, "digits": {digits.String()},
		"period": {strconv.Itoa(int(period / time.Second))},
	}
	// Some apps do not read a plus sign as a space.
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}

// Step returns the time step of a typed code: the current one, the one before or the one after. It reports false for any other code.
// It ignores white space, dashes, invisible characters and the script of digits. A step may be used only once (RFC 6238, 5.2).
func (s Secret) Step(typed string, now time.Time) (step int64, ok bool) {
	code, ok := readCode(typed)
	if !ok {
		return 0, false
	}
	found := false
	current := now.Unix() / int64(period/time.Second)
	for candidate := current - skew; candidate <= current+skew; candidate++ {
		right, err := s.codeOf(candidate)
		if err == nil && subtle.ConstantTimeCompare([]byte(code), []byte(right)) == 1 {
			step, found = candidate, true
		}
	}
	return step, found
}

// Code returns the code at a time, as an app does.
func (s Secret) Code(at time.Time) (string, error) {
	return s.codeOf(at.Unix() / int64(period/time.Second))
}

func (s Secret) codeOf(step int64) (string, error) {
	code, err := hotp.GenerateCodeCustom(s.Text(), uint64(step), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("compute a one-time password: %w", err)
	}
	return code, nil
}

// CanBeCode reports whether a typed text has the form of a code.
func CanBeCode(typed string) bool {
	_, ok := readCode(typed)
	return ok
}

const longestTyped = 256 // bytes

// readCode returns the digits of a typed code.
func readCode(typed string) (code string, ok bool) {
	if len(typed) > longestTyped {
		return "", false
	}
	var read strings.Builder
	for _, r := range norm.NFKC.String(typed) {
		if unicode.IsSpace(r) || runes.IsDash(r) || runes.IsInvisible(r) {
			continue
		}
		if r = runes.PlainDigit(r); r < '0' || r > '9' || read.Len() == digits.Length() {
			return "", false
		}
		read.WriteRune(r)
	}
	return read.String(), read.Len() == digits.Length()
}
