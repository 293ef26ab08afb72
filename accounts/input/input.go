// Package input owns the rules for what users type: it brings each value into the form in which it is stored, and returns its flaw.
// It must not know GraphQL, the database or other accounts. Whether a username is taken or a code is known is for the use cases in
// package accounts.
package input

import (
	"strings"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// Length is how many characters (code points) a text may have.
type Length struct{ Min, Max int }

// InvalidCode is the flaw of every one-time code that cannot be used, whatever the reason.
var InvalidCode = fault.Flaw{Code: "INVALID", Message: "This code is invalid or has expired."}

// ValidateCode returns the flaw of a text that cannot be a one-time code. It does not look the code up.
func ValidateCode(typed string) fault.Flaw {
	if auth.CanBeCode(typed) {
		return fault.Flaw{}
	}
	return InvalidCode
}

const maxKey = 255 // characters of an idempotency key

// ValidateKey returns the flaw of an idempotency key. The empty text is fine: it means that there is no key.
func ValidateKey(key string) fault.Flaw {
	if len(key) <= maxKey && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fault.Flaw{}
	}
	return fault.Flaw{
		Code: "INVALID", Message: "An idempotency key must have 1 to 255 visible ASCII characters.", Params: fault.Params{"min": 1, "max": maxKey},
	}
}

// firstBirthday is the earliest birthday that is accepted. The oldest person on record lived for 122 years, and nobody who was
// born earlier is alive.
var firstBirthday = time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)

// firstZone is the time zone in which each day begins first.
var firstZone = time.FixedZone("UTC+14", 14*60*60)

// ValidateBirthday returns the flaw of a birthday. The birthday may be today in any time zone.
func ValidateBirthday(birthday, now time.Time) fault.Flaw {
	year, month, day := now.In(firstZone).Date()
	last := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	params := fault.Params{"min": firstBirthday.Format(time.DateOnly), "max": last.Format(time.DateOnly)}
	switch {
	case birthday.After(last):
		return fault.Flaw{Code: "IN_FUTURE", Message: "The birthday cannot be in the future.", Params: params}
	case birthday.Before(firstBirthday):
		return fault.Flaw{Code: "OUT_OF_RANGE", Message: "The birthday must be 1900-01-01 or later.", Params: params}
	}
	return fault.Flaw{}
}
