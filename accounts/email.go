package accounts

import (
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// dotAtom is the local part of an address as people have them (RFC 5321's Dot-string). Quoted local parts are legal,
// used by nobody, and understood differently by different mail servers.
var dotAtom = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// judgeEmail returns the key by which an address is compared, and what is wrong with the address, if anything. The
// key is lower case, with the domain in its ASCII form (RFC 5891): two addresses with one key are one mailbox.
func judgeEmail(email string) (key, code, message string) {
	const invalid = "This is not an e-mail address."
	local, domain, found := strings.Cut(email, "@")
	switch {
	case len(email) > 254 || len(local) > 64: // RFC 5321, 4.5.3.1
		return "", "TOO_LONG", "The e-mail address is too long."
	case !found || !dotAtom.MatchString(local):
		return "", "INVALID", invalid
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || len(ascii) > 253 || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") || strings.Contains(domain, "＠") {
		return "", "INVALID", invalid
	}
	return strings.ToLower(local + "@" + ascii), "", ""
}
