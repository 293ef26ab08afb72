package input

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
)

const (
	maxPhoneTyped  = 60 // code points of what is typed
	maxPhoneDigits = 15 // of a number (E.164, 6.2.1)
)

// international matches a phone number with its country code, after everything between the digits was removed.
var international = regexp.MustCompile(`^\+[1-9][0-9]{3,18}$`)

// ReadPhone returns a phone number in the form of E.164, and its flaw; "" for a blank text. It ignores spaces, brackets, dashes,
// dots, slashes and invisible characters. The country code is required, after + or 00.
//
// The length must be possible in the country. ReadPhone does not check whether the range is in use: ranges change from day to day,
// and only a call can prove that a number exists.
func ReadPhone(typed string) (string, fault.Flaw) {
	invalid := fault.Flaw{Code: "INVALID", Message: "This is not a valid phone number. Include the country code, such as +49 30 123456."}
	switch {
	case utf8.RuneCountInString(typed) > maxPhoneTyped:
		return typed, tooLong("A phone number can have at most %d characters.", maxPhoneTyped)
	case runes.Trim(typed) == "":
		return "", fault.Flaw{}
	}
	digits := strings.Map(func(r rune) rune {
		if isBetweenDigits(r) {
			return -1
		}
		return runes.PlainDigit(r)
	}, norm.NFKC.String(typed))
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		digits = "+" + rest
	}
	if !international.MatchString(digits) {
		return typed, invalid
	}
	e164, country := parsePhone(digits)
	again, _ := parsePhone(e164)
	if e164 == "" || again != e164 {
		return typed, invalid
	}
	if digits != e164 && digits != country+"0"+strings.TrimPrefix(e164, country) { // people write a 0 in between: +49 (0) 30
		return typed, invalid
	}
	return e164, fault.Flaw{}
}

// parsePhone returns a number in the form of E.164, and its country code with the +; "" if its length is impossible.
func parsePhone(digits string) (e164, country string) {
	number, err := phonenumbers.Parse(digits, "ZZ") // no region: the number contains it
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return "", ""
	}
	e164 = phonenumbers.Format(number, phonenumbers.E164)
	if len(e164) > len("+")+maxPhoneDigits { // German metadata, for example, has longer numbers
		return "", ""
	}
	return e164, "+" + strconv.Itoa(int(number.GetCountryCode()))
}

func isBetweenDigits(r rune) bool {
	return strings.ContainsRune("()[].·/", r) || unicode.IsSpace(r) || runes.IsDash(r) || runes.IsInvisible(r)
}
