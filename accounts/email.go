package accounts

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
)

// dotAtom is the local part of an address as people have them (RFC 5321's Dot-string). Quoted local parts are legal,
// used by nobody, and understood differently by different mail servers.
var dotAtom = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// domains turns a domain into its ASCII form and refuses what DNS does (RFC 5891, RFC 1035).
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(true),
	idna.CheckJoiners(true), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// topLevel is the last label of a domain: never a number, which would make it an address.
var topLevel = regexp.MustCompile(`\.[a-z][a-z0-9-]*$`)

// isSpelledOut reports whether a domain has nothing in it that its ASCII form silently drops or replaces, such as
// invisible characters and other scripts' full stops.
func isSpelledOut(domain, ascii string) bool {
	lower := strings.ToLower(norm.NFC.String(domain))
	shown, err := domains.ToUnicode(ascii)
	return lower == ascii || err == nil && lower == shown
}

// The longest address and local part, in bytes (RFC 5321, 4.5.3.1).
const (
	maxEmail     = 254
	maxLocalPart = 64
)

// address is an e-mail address as its owner spells it, and the key for comparing it: lower case, with the domain in its ASCII
// form (RFC 5891). Two addresses with the same key are the same mailbox.
type address struct{ text, key string }

// mailbox is the address that mail for a subaddress (RFC 5233) most likely ends up in: ann@example.org for
// ann+freehold@example.org. Both are addresses of their own in everything but limits.
func mailbox(emailKey string) string {
	local, domain, _ := strings.Cut(emailKey, "@")
	if i := strings.Index(local, "+"); i > 0 {
		local = local[:i]
	}
	return local + "@" + domain
}

// readEmail returns an address, without the white space around it, and what is wrong with it. An invalid address has no key.
func readEmail(typed string) (address, fault.Flaw) {
	email := runes.Trim(typed)
	faulty := address{text: email}
	invalid := fault.Flaw{Code: "INVALID", Message: "This is not a valid email address."}
	local, domain, found := strings.Cut(email, "@")
	switch {
	case len(email) > maxEmail:
		return faulty, fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("An email address can have at most %d characters.", maxEmail), Params: fault.Params{"max": maxEmail}}
	case len(local) > maxLocalPart:
		return faulty, fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("An email address can have at most %d characters before the “@”.", maxLocalPart), Params: fault.Params{"max": maxLocalPart}}
	case !found || !dotAtom.MatchString(local) || !utf8.ValidString(domain):
		return faulty, invalid
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !topLevel.MatchString(ascii) || !isSpelledOut(domain, ascii) {
		return faulty, invalid
	}
	return address{email, strings.ToLower(local + "@" + ascii)}, fault.Flaw{}
}
