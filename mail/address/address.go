// Package address owns what an email address is: which texts are one, how two are compared, and how one is written for a mail
// server. It must not know who has an address, what a form says about a wrong one, or how mail is sent.
package address

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The longest address and local part, in bytes (RFC 5321, 4.5.3.1).
const (
	MaxLength    = 254
	MaxLocalPart = 64
)

// The errors of Parse. None repeats the text.
var (
	ErrInvalid      = errors.New("not exactly one address of the form local@domain")
	ErrTooLong      = errors.New("the address is too long")
	ErrLocalTooLong = errors.New("the address has too many characters before the @")
)

// Address is one address, local@domain, with the domain in its ASCII form (RFC 5891). No character in it has another meaning
// for a mail server or in a header: it has no quotes, commas, spaces, brackets or line breaks. Two addresses are equal if
// mail servers see the same text; see Key.
type Address struct{ spec string }

// String returns the address as mail servers take it.
func (a Address) String() string { return a.spec }

// Key returns the address in lower case. Two addresses with the same key are the same mailbox for freehold.
func (a Address) Key() string { return strings.ToLower(a.spec) }

// Mailbox returns the key without a subaddress (RFC 5233): ann@example.org for ann+freehold@example.org. Mail for both most
// likely ends up in the same mailbox. It takes a key, so that it works with stored ones.
func Mailbox(key string) string {
	local, domain, _ := strings.Cut(key, "@")
	if i := strings.Index(local, "+"); i > 0 {
		local = local[:i]
	}
	return local + "@" + domain
}

var (
	// dotAtom is the local part of an address as people have them (RFC 5321's Dot-string). Quoted local parts are legal, but
	// rare, and different mail servers read them differently.
	dotAtom = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

	// hostName is a domain in ASCII with at least two labels. The last one is not a number, which would make it an IP address.
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$`)

	// domains turns a domain into its ASCII form and refuses what DNS does (RFC 5891, RFC 1035).
	domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(true),
		idna.CheckJoiners(true), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
)

// Parse reads a text that is one address and nothing else: a dot-atom at a domain name (RFC 5321). It does not trim the text.
func Parse(text string) (Address, error) {
	local, domain, found := strings.Cut(text, "@")
	switch {
	case len(text) > MaxLength:
		return Address{}, ErrTooLong
	case len(local) > MaxLocalPart:
		return Address{}, ErrLocalTooLong
	case !found || !dotAtom.MatchString(local) || !utf8.ValidString(domain):
		return Address{}, ErrInvalid
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !hostName.MatchString(ascii) || !isSpelledOut(domain, ascii) {
		return Address{}, ErrInvalid
	}
	spec := local + "@" + ascii
	if len(spec) > MaxLength {
		return Address{}, ErrTooLong
	}
	return Address{spec}, nil
}

// isSpelledOut reports whether the ASCII form of a domain has everything that the domain has. Invisible characters and the full
// stops of other scripts, for example, would be dropped or replaced silently.
func isSpelledOut(domain, ascii string) bool {
	lower := strings.ToLower(norm.NFC.String(domain))
	shown, err := domains.ToUnicode(ascii)
	return lower == ascii || err == nil && lower == shown
}
