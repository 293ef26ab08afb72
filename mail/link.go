package mail

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The placeholders of a link.
const (
	emailPlace = "{email}"
	codePlace  = "{code}"
)

// link is the URL of a page of the front end, with placeholders for the code and, optionally, the email address.
type link string

var errLink = errors.New("the value is not a URL such as https://app.example.org/reset?email={email}&code={code}")

var (
	scheme      = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	placeholder = regexp.MustCompile(`\{[A-Za-z0-9_.-]{1,40}\}`)
	// spelled matches what a URL can have unencoded (RFC 3986), without quotes and round brackets, which end a link in mail clients.
	spelled = regexp.MustCompile(`^([A-Za-z0-9._~:/?#\[\]@!$&*+,;=-]|%[0-9A-Fa-f]{2})*$`)
)

// noPages are schemes that open no page: they run or show their own content, open local files, or start another program. Any
// other scheme may be an app's own.
var noPages = []string{
	"about", "blob", "chrome", "data", "file", "filesystem", "ftp", "jar", "javascript", "mailto", "resource", "sms", "smtp", "smtps",
	"tel", "vbscript", "view-source", "ws", "wss",
}

// CheckLink returns an error unless a text is the URL of a page that accepts a code: absolute, with http, https or an app's own
// scheme, and with {code} and optionally {email} in its path, query or fragment. The error repeats only an unknown placeholder.
func CheckLink(text string) error {
	_, err := parseLink(text)
	return err
}

// CheckPage is CheckLink for a URL without placeholders.
func CheckPage(text string) error {
	if strings.ContainsAny(text, "{}") {
		return errors.New("the value must not contain placeholders")
	}
	return checkURL(text, errors.New("the value is not a URL such as https://app.example.org"))
}

// IsPlain reports whether others can read what a browser sends to a page: by http to another machine.
func IsPlain(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "http" && !isThisMachine(u.Hostname())
}

func parseLink(text string) (link, error) {
	for _, place := range placeholder.FindAllString(text, -1) {
		if place != emailPlace && place != codePlace {
			return "", fmt.Errorf("%s is not a placeholder; use {email} and {code}", place)
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		return "", errors.New("a brace is not part of a placeholder; use {email} and {code}, and percent-encode other braces")
	}
	if err := checkURL(text, errLink); err != nil {
		return "", err
	}
	if !strings.Contains(text, codePlace) {
		return "", errors.New("the value has no {code}; add it to the path, query or fragment")
	}
	return link(text), nil
}

// checkURL validates a URL. Its placeholders are known ones.
func checkURL(text string, malformed error) error {
	s, rest, found := strings.Cut(text, "://")
	s = strings.ToLower(s)
	if !found || !scheme.MatchString(s) {
		return malformed
	}
	if slices.Contains(noPages, s) {
		return errors.New("the scheme cannot open a page; use https or your app's own scheme")
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if strings.Contains(authority, "{") {
		return errors.New("placeholders cannot be in the host; use them in the path, query or fragment")
	}
	if strings.Contains(authority, "@") {
		return errors.New("the value must not contain a user name or password")
	}
	for _, literal := range placeholder.Split(text, -1) {
		if !spelled.MatchString(literal) {
			return errors.New("the value contains a character that a URL cannot have; percent-encode it, and write an international host as xn--…")
		}
	}
	u, err := url.Parse(s + "://" + authority)
	if err != nil || (s == "http" || s == "https") && u.Hostname() == "" {
		return malformed
	}
	return nil
}

// to returns the link for an address and a code. It percent-encodes everything except letters, digits and -._~, so that the
// values have the same meaning in a path, a query and a fragment.
func (l link) to(email, code string) string {
	return strings.NewReplacer(emailPlace, percentEncode(email), codePlace, percentEncode(code)).Replace(string(l))
}

func percentEncode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

const longestName = 60 // code points

// CheckName returns an error unless a text can be the name of a product: one line with 1 to 60 visible characters.
func CheckName(text string) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isInvisible):
		return errors.New("the value contains a line break, a control character or an invisible character")
	case text == "" || strings.TrimSpace(text) != text:
		return errors.New("the value is empty, or starts or ends with a space")
	case strings.Contains(text, "=?"): // RFC 2047
		return errors.New("the value contains =?, which mail clients decode; remove it")
	case utf8.RuneCountInString(text) > longestName:
		return fmt.Errorf("the value has more than %d characters", longestName)
	}
	return nil
}

// isInvisible reports whether a name cannot contain a character. It can contain the two joiners: emoji and some scripts need
// them.
func isInvisible(r rune) bool {
	return !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d'
}
