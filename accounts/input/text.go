package input

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/fault"
)

// The rules for the texts of a profile.
var (
	DisplayName = TextRule{Longest: 100}
	Bio         = TextRule{Longest: 1000, Lines: true}
	Location    = TextRule{Longest: 100}
)

// TextRule is the rule for a text that users show to each other.
type TextRule struct {
	Longest int  // code points
	Lines   bool // whether it may have several lines
}

// Length returns how long the text may be.
func (rule TextRule) Length() Length { return Length{0, rule.Longest} }

// Read returns a text in the form in which it is stored, and its flaw. The form is Unicode's NFC, with \n as the only line break
// and without white space at the ends. It may be empty.
func (rule TextRule) Read(typed string) (string, fault.Flaw) {
	if !utf8.ValidString(typed) {
		return typed, hiddenCharacter
	}
	text := strings.TrimFunc(norm.NFC.String(rule.respace(typed)), isAround)
	rest := withoutFlags(text)
	switch {
	case text == "":
		return "", fault.Flaw{}
	case !rule.Lines && strings.ContainsRune(text, '\n'):
		return text, fault.Flaw{Code: "INVALID_CHARACTER", Message: "This must be a single line. Remove the line breaks."}
	case strings.ContainsFunc(rest, func(r rune) bool { return classOf(r) == refused }):
		return text, hiddenCharacter
	case utf8.RuneCountInString(text) > rule.Longest:
		return text, tooLong("This text can have at most %d characters.", rule.Longest)
	case rest == text && !strings.ContainsFunc(text, func(r rune) bool { return classOf(r) == seen }):
		return text, fault.Flaw{Code: "INVALID_CHARACTER", Message: "This text has no visible characters."}
	}
	return text, fault.Flaw{}
}

var hiddenCharacter = fault.Flaw{Code: "INVALID_CHARACTER", Message: "This text contains a control character or a hidden character. Remove it."}

// respace replaces every line break by \n, and removes byte order marks. In a single line it replaces a tab by a space.
func (rule TextRule) respace(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case classOf(r) == lineBreak:
			return '\n'
		case r == '\t' && !rule.Lines:
			return ' '
		case r == byteOrderMark:
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// class is what a code point means in a text that users show to each other. Each code point has exactly one class.
type class int

const (
	seen      class = iota // it is visible, or not assigned yet
	unseen                 // texts need it, but it is not visible alone: spaces, marks, joiners
	lineBreak              // Unicode's line breaks
	refused                // such a text cannot contain it
)

const (
	zeroWidthSpace = '\u200b'
	wordJoiner     = '\u2060'
	byteOrderMark  = '\ufeff'
)

// classOf returns the class of a code point. It accepts the invisible format characters (Cf) that keyboards and spelling need.
// The other ones hide text or change its direction beyond its end. Tags are valid in flags only, which withoutFlags removes first.
func classOf(r rune) class {
	switch {
	case r == '\t', r == byteOrderMark: // respace removes the mark
		return unseen
	case r >= '\n' && r <= '\r', r == '\u0085', r == '\u2028', r == '\u2029':
		return lineBreak
	case r == unicode.ReplacementChar, unicode.Is(unicode.Noncharacter_Code_Point, r), unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs):
		return refused
	case unicode.In(r, acceptedFormats, unicode.Zs, unicode.Mn, unicode.Me, unicode.Variation_Selector, blanks):
		return unseen
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return seen // Cf, such as the Arabic number sign
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point):
		return refused
	}
	return seen
}

// acceptedFormats are the format characters that texts need: the soft hyphen, the implicit direction marks, the joiners, the
// breaks between words that users of Khmer and Thai type, the Mongolian vowel separator, and the controls of hieroglyphs.
var acceptedFormats = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, {Lo: 0x061c, Hi: 0x061c, Stride: 1}, {Lo: 0x180e, Hi: 0x180e, Stride: 1},
		{Lo: 0x200b, Hi: 0x200f, Stride: 1}, {Lo: 0x2060, Hi: 0x2060, Stride: 1},
	},
	R32:         []unicode.Range32{{Lo: 0x13430, Hi: 0x1343f, Stride: 1}},
	LatinOffset: 1,
}

// blanks are letters and symbols that look blank: Hangul fillers, the Braille pattern without dots, the object replacement
// character, blank hieroglyphs, and the null notehead.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x115f, Hi: 0x1160, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1}, {Lo: 0xfffc, Hi: 0xfffc, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x1d159, Hi: 0x1d159, Stride: 1}},
}

// isAround reports whether a character is removed at the ends of a text: white space, and what has no meaning there.
func isAround(r rune) bool {
	return unicode.IsSpace(r) || r == zeroWidthSpace || r == wordJoiner
}

// flag is an emoji flag of a subdivision, such as Scotland: a black flag, the tags of the subdivision's code, and the
// tag that ends it (UTS #51, ED-14a).
var flag = regexp.MustCompile("\U0001f3f4(?:[\U000e0061-\U000e007a]{2}|[\U000e0030-\U000e0039]{3})[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}\U000e007f")

// withoutFlags returns a text without its well-formed flags of subdivisions.
func withoutFlags(text string) string {
	if !strings.ContainsRune(text, '\U000e007f') {
		return text
	}
	return flag.ReplaceAllString(text, "")
}

// credentialName is the rule for the name that users give to a passkey, for example.
var credentialName = TextRule{Longest: 100}

// ReadCredentialName returns the name of a credential in the form in which it is stored, and its flaw.
func ReadCredentialName(typed string) (string, fault.Flaw) {
	name, flaw := credentialName.Read(typed)
	if flaw.IsZero() && name == "" {
		flaw = fault.Flaw{Code: "TOO_SHORT", Message: "The name must have at least 1 character.", Params: fault.Params{"min": 1}}
	}
	return name, flaw
}
