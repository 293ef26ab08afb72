package input

import (
	"errors"
	"fmt"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
	"freehold.dev/freehold/mail/address"
)

// Email is an email address as its owner spells it, and the key by which it is compared; see address.Address.
type Email struct{ Text, Key string }

// ReadEmail returns an address without the white space around it, and its flaw. An invalid address has no key.
func ReadEmail(typed string) (Email, fault.Flaw) {
	text := runes.Trim(typed)
	parsed, err := address.Parse(text)
	switch {
	case errors.Is(err, address.ErrTooLong):
		return Email{Text: text}, tooLong("An email address can have at most %d characters.", address.MaxLength)
	case errors.Is(err, address.ErrLocalTooLong):
		return Email{Text: text}, tooLong("An email address can have at most %d characters before the “@”.", address.MaxLocalPart)
	case err != nil:
		return Email{Text: text}, fault.Flaw{Code: "INVALID", Message: "This is not a valid email address."}
	}
	return Email{text, parsed.Key()}, fault.Flaw{}
}

// ValidateEmail returns the flaw of an email address.
func ValidateEmail(typed string) fault.Flaw {
	_, flaw := ReadEmail(typed)
	return flaw
}

// tooLong returns the flaw of a text with more than most characters. The message has a place for the number.
func tooLong(message string, most int) fault.Flaw {
	return fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf(message, most), Params: fault.Params{"max": most}}
}
