package runes

import (
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Every decimal digit of Unicode is read as an ASCII digit, ten in a row for each script.
func TestPlainDigits(t *testing.T) {
	t.Parallel()
	for r := range unicode.MaxRune + 1 {
		got := PlainDigit(r)
		if unicode.Is(unicode.Nd, r) != (got >= '0' && got <= '9') || !unicode.Is(unicode.Nd, r) && got != r {
			t.Errorf("%U is read as %q", r, got)
		}
		if plain := []rune(norm.NFKC.String(string(r))); unicode.Is(unicode.Nd, r) && len(plain) == 1 && plain[0] <= '9' && plain[0] != got {
			t.Errorf("%U is read as %q, which Unicode has as %q", r, got, plain[0])
		}
	}
	for r, want := range map[rune]rune{'\u0669': '9', '\u0e55': '5', '\uff10': '0', '\U0001d7ff': '9', '\U0001d7d8': '0', '\u2460': '\u2460', 'x': 'x'} {
		if got := PlainDigit(r); got != want {
			t.Errorf("%U is read as %q, want %q", r, got, want)
		}
	}
}
