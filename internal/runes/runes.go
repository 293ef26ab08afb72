// Package runes owns what single characters mean in a text that people type or paste: which are dashes, digits or invisible, and
// which ones around a value are trimmed. It must not know what a text is for: the package that reads the text decides that.
package runes

import (
	"strings"
	"unicode"
)

// dashes are the characters that people type as a hyphen and that Unicode does not call dashes: two minus signs, a bullet, and
// the long vowel sign of Japanese keyboards.
var dashes = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x02d7, Hi: 0x02d7, Stride: 1}, {Lo: 0x2043, Hi: 0x2043, Stride: 1}, {Lo: 0x2796, Hi: 0x2796, Stride: 1},
	{Lo: 0x30fc, Hi: 0x30fc, Stride: 1}, {Lo: 0xff70, Hi: 0xff70, Stride: 1},
}}

// IsDash reports whether a typed character is a hyphen of any kind, a dash or a minus sign.
func IsDash(r rune) bool { return unicode.In(r, unicode.Dash, unicode.Pd, dashes) }

// IsInvisible reports whether a pasted character is invisible: a format character or a variation selector.
func IsInvisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Variation_Selector) }

// PlainDigit returns the ASCII digit with the same value as a decimal digit of any script. It returns other characters unchanged.
func PlainDigit(r rune) rune {
	if r <= '9' || !unicode.Is(unicode.Nd, r) {
		return r
	}
	for _, digits := range unicode.Nd.R16 { // each range begins with a zero
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return '0' + (r-rune(digits.Lo))%10
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return '0' + (r-rune(digits.Lo))%10
		}
	}
	return r
}

// Trim removes what surrounds a pasted value: white space, and format characters such as byte order marks and direction marks.
func Trim(value string) string {
	return strings.TrimFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}
