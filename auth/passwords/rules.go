// Package passwords owns what a password must be, and its hash: the rules for a new password, the look-up among leaked ones, and
// argon2id behind a bounded queue. It must not know accounts, where a hash is stored, or who signs in: no SQL, no GraphQL.
package passwords

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/frequency"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/fault"
)

// MaxLength is the longest password, in code points after normalisation (NIST SP 800-63B requires at least 64).
const MaxLength = 256

// common has the passwords that attackers try first (NIST SP 800-63B-4, 3.1.1.2).
var common = sync.OnceValue(func() map[string]bool {
	list := frequency.Lists["Passwords"].List
	words := make(map[string]bool, len(list))
	for _, w := range list {
		words[w] = true
	}
	return words
})

// Normalize returns the form in which a password is validated and hashed: Unicode NFC, so that the same word is the same password
// on every keyboard.
func Normalize(password string) string { return norm.NFC.String(password) }

// Validate returns the flaw of a normalised password. Own are the words by which the account and the service are known. The
// length counts code points; there are no composition rules (NIST SP 800-63B).
func Validate(password string, minLength int, own ...string) fault.Flaw {
	switch n := len([]rune(password)); {
	case n < minLength:
		return fault.Flaw{Code: "TOO_SHORT", Message: fmt.Sprintf("The password must have at least %d characters.", minLength), Params: fault.Params{"min": minLength}}
	case n > MaxLength:
		return fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("The password can have at most %d characters.", MaxLength), Params: fault.Params{"max": MaxLength}}
	case isCommon(strings.ToLower(password)):
		return fault.Flaw{Code: "TOO_COMMON", Message: "This password is too common. Choose another one."}
	case isPersonal(password, own):
		return fault.Flaw{
			Code:    "TOO_PERSONAL",
			Message: "This password is too similar to your email address, your name or the service's name. Choose another one.",
		}
	}
	return fault.Flaw{}
}

// leastOfItsOwn is how many letters and digits a password must have besides the words that an attacker tries first.
const leastOfItsOwn = 6

// isPersonal reports whether hardly anything is left of a password without the account's own words. It ignores case and
// punctuation.
func isPersonal(password string, own []string) bool {
	between := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) } // marks (M) are vowels in some scripts, such as Hindi's
	squeeze := func(text string) string { return strings.ToLower(strings.Join(strings.FieldsFunc(text, between), "")) }
	var words []string
	for _, word := range own {
		word = norm.NFC.String(word)
		for _, part := range append(strings.FieldsFunc(word, between), word) {
			if part = squeeze(part); utf8.RuneCountInString(part) >= 3 {
				words = append(words, part)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // remove "annlee" before "ann"
	whole := squeeze(password)
	rest := whole
	for _, word := range words {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return rest != whole && len([]rune(rest)) < leastOfItsOwn
}

// isCommon reports whether a password is on the list, is a word of the list followed by digits or punctuation ("password123!"),
// or repeats or counts up from one character ("aaaaaaaa", "12345678").
func isCommon(lower string) bool {
	word := strings.TrimRight(lower, "0123456789!?.#*$@-_")
	return common()[lower] || len(word) >= 6 && common()[word] || isRun([]rune(lower))
}

func isRun(runes []rune) bool {
	for i := 2; i < len(runes); i++ {
		if runes[i]-runes[i-1] != runes[1]-runes[0] {
			return false
		}
	}
	step := runes[1] - runes[0]
	return step >= -1 && step <= 1
}
