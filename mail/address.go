package mail

import (
	"errors"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is one address, local@domain, with the domain in its ASCII form. Nothing in it means anything else to a mail
// server or in a header: no quotes, commas, spaces, brackets or line breaks.
type Address struct{ spec string }

func (a Address) String() string { return a.spec }

var (
	addrSpec = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]([a-z0-9-]*[a-z0-9])?$")
	domains  = idna.New(idna.ValidateLabels(true), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule(),
		idna.CheckHyphens(true), idna.CheckJoiners(true), idna.Transitional(false))
)

var errAddress = errors.New("not exactly one address of the form local@domain")

// ParseAddress takes a text that is one address and nothing else: a dot-atom at a domain name (RFC 5321). Whoever stored
// it has judged it before; this is the last look before it is given to a mail server. The error does not repeat it.
func ParseAddress(text string) (Address, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 || at > 64 {
		return Address{}, errAddress
	}
	domain, err := domains.ToASCII(norm.NFC.String(strings.ToLower(text[at+1:])))
	if err == nil { // the characters themselves are looked at only when they are decoded: U+FF20 would be encoded
		domain, err = domains.ToASCII(domain)
	}
	if err != nil {
		return Address{}, errAddress
	}
	spec := text[:at] + "@" + domain
	if len(spec) > 254 || !addrSpec.MatchString(spec) {
		return Address{}, errAddress
	}
	return Address{spec}, nil
}
