package input

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

const (
	scotland = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
	tagged   = "\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f" // its tags alone
)

// Texts that people type and paste are stored in one form. Characters that hide or turn text are refused, and so are invisible texts.
func TestTextsKeepJoinersAndLoseTricks(t *testing.T) {
	t.Parallel()
	const no = "!"
	line, lines := TextRule{Longest: 12}, TextRule{Longest: 12, Lines: true}
	for text, want := range map[string]string{
		"  Ann ": "Ann", "Rome\u0301": "Romé", "👩\u200d🚀 می\u200cخواهم": "👩\u200d🚀 می\u200cخواهم", " ": "", "": "", "\r\n": "", "\u3000\u00a0": "",
		// A tab is a space, and line breaks at the ends are white space.
		"a\tb": "a b", "tab\t": "tab", "\r\nAnn\r\n": "Ann", "\u0085": "", "Ann\u2028": "Ann",
		"line\nline": no, "a\rb": no, "a\r\nb": no, "a\vb": no, "a\u2028b": no, "a\u2029b": no, "a\u0085b": no,
		// Marks of direction, joiners, soft hyphens and breaks between words.
		"\u05d0\u200f!": "\u05d0\u200f!", "a\u200eb": "a\u200eb", "\u0627\u061c1": "\u0627\u061c1", "Donau\u00addampf": "Donau\u00addampf", "ක\u200dෂ": "ක\u200dෂ",
		"\u1780\u200b\u1781": "\u1780\u200b\u1781", "a\u2060b": "a\u2060b", "a\u200b": "a", "\u2060a": "a", "\ufeffx": "x", "a\ufeffb": "ab", "ᠠ\u180eᠠ": "ᠠ\u180eᠠ", "❤\ufe0f": "❤\ufe0f",
		// Visible signs of class Cf.
		"\u0600123": "\u0600123", "\u06dd": "\u06dd", "\u070f": "\u070f", "\u08e2": "\u08e2", "\U000110bd": "\U000110bd", "\U000110cd": "\U000110cd", "\U00013000\U00013430\U00013001": "\U00013000\U00013430\U00013001",
		// Overrides, embeddings, isolates, and characters for programs.
		"a\u202ab": no, "a\u202bb": no, "a\u202cb": no, "a\u202db": no, "a\u202eb": no, "a\u2066b": no, "a\u2067b": no, "a\u2068b": no, "a\u2069b": no, "a\u206ab": no, "a\u2062b": no,
		"a\ufff9b\ufffac\ufffb": no, "a\U0001d173b": no, "a\u2065b": no, "a\U000e0fffb": no,
		"\x00": no, "a\x1bb": no, "\x7f": no, "\u009f": no, "\ufffd": no, "\uffff": no, "\U0001fffe": no, "\ufdd0": no, "\ue000": no, "\uf8ff": no, "\xff": no, "a\xc3": no,
		// Tags belong in flags.
		scotland: scotland, "a " + scotland: "a " + scotland, tagged: no, "a" + tagged: no, "\U0001f3f4" + tagged[:len(tagged)-4]: no, "\U0001f3f4\U000e007f": no,
		"\U0001f3f4\U000e0067\U000e0062\U000e007f": no, scotland + "\U000e0061": no, "a\U000e0001": no, "\U0001f3f4\U000e0041\U000e0042\U000e0043\U000e007f": no,
		// Blank-looking.
		"\u3164": no, "\uffa0": no, "\u115f\u1160": no, "\u1160": no, "\u2800": no, "\u2800 \u2800": no, "\u17b4\u17b5": no, "\u00ad": no, "\u200d": no, "\u200c\u200c": no, "\u200f": no,
		"\u0301": no, "\u20dd": no, "\ufe0f": no, "\u034f": no, "\u180e": no, "\u061c\u2800\u00ad": no, "\U0001d159": no, "\ufffc": no, "\U00013430": no, "\u200b": "", "\u2060\ufeff": "",
		"a\u3164": "a\u3164", "\u2800a": "\u2800a",
		strings.Repeat("é", 12): strings.Repeat("é", 12), strings.Repeat("e\u0301", 12): strings.Repeat("é", 12), strings.Repeat("é", 13): no, "  " + strings.Repeat("é", 12) + "  ": strings.Repeat("é", 12),
	} {
		got, flaw := line.Read(text)
		if flaw.IsZero() == (want == no) || want != no && got != want || flaw.IsZero() != (flaw.Message == "") {
			t.Errorf("%q is read as %q, %v; want %q", text, got, flaw, want)
		}
	}
	for text, want := range map[string]string{
		"one\n\ttwo": "one\n\ttwo", "a\r\nb\rc\nd": "a\nb\nc\nd", "a\n\r\nb": "a\n\nb", "a\u2028b\u2029c": "a\nb\nc", "a\vb\fc\u0085d": "a\nb\nc\nd", "\r\na\r\n": "a", "\n\t\n": "",
		"a\u202eb": no, "\u2800\n\u3164": no, strings.Repeat("a\r\n", 6) + "b": no, strings.Repeat("a\r\n", 6): "a\na\na\na\na\na",
	} {
		got, flaw := lines.Read(text)
		if flaw.IsZero() == (want == no) || want != no && got != want {
			t.Errorf("of several lines %q is read as %q, %v; want %q", text, got, flaw, want)
		}
	}
}

// Every code point of Unicode has one class, which says whether it is kept, replaced or refused between letters.
func TestEveryCodePointHasItsClass(t *testing.T) {
	t.Parallel()
	counts := map[class]int{}
	for r := range unicode.MaxRune + 1 {
		if !utf8.ValidRune(r) {
			continue
		}
		c := classOf(r)
		counts[c]++
		if isTrick := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r >= 0xe0000 && r <= 0xe007f; isTrick && c != refused {
			t.Errorf("%U is in class %d", r, c)
		}
		if unicode.In(r, unicode.L, unicode.N, unicode.P) && c != seen && !unicode.Is(blanks, r) {
			t.Errorf("%U, a letter, number or sign, is in class %d", r, c)
		}
		if plane := r >> 16; plane > 2 && plane != 14 && r%101 != 0 && r&0xfffe != 0xfffe {
			continue // nothing is assigned there, or all of it is for private use
		}
		for _, rule := range []TextRule{{Longest: 100}, {Longest: 100, Lines: true}} {
			got, flaw := rule.Read("a" + string(r) + "b")
			want := norm.NFC.String("a" + string(r) + "b")
			switch {
			case r == byteOrderMark:
				want = "ab"
			case r == '\t' && !rule.Lines:
				want = "a b"
			case c == lineBreak:
				want = "a\nb"
			}
			if fine := c != refused && (c != lineBreak || rule.Lines); flaw.IsZero() != fine || fine && got != want {
				t.Fatalf("%U of class %d is read as %q, %v", r, c, got, flaw)
			}
		}
		alone, flaw := TextRule{Longest: 100}.Read(string(r))
		if flaw.IsZero() && alone != "" && c != seen || c == seen && !flaw.IsZero() {
			t.Fatalf("%U of class %d alone is read as %q, %v", r, c, alone, flaw)
		}
	}
	for c, least := range map[class]int{seen: 900_000, unseen: 1000, lineBreak: 7, refused: 130_000} {
		if counts[c] < least {
			t.Errorf("class %d has only %d code points", c, counts[c])
		}
	}
}

// Reading a text twice changes nothing.
func TestReadingATextTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	alphabet := []rune("ab \t\r\n\u0301\u00e9\u0085\u2028\u200b\u2060\ufeff\u200d\u00ad\u2800\u3164\uff10\u212b\u1100\u1161\U0001f3f4\U000e0067\U000e0062\U000e007f")
	rapid.Check(t, func(t *rapid.T) {
		rule := TextRule{Longest: 100, Lines: rapid.Bool().Draw(t, "lines")}
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom(alphabet))).Draw(t, "text")
		once, flaw := rule.Read(text)
		if !flaw.IsZero() {
			return
		}
		if twice, flaw := rule.Read(once); twice != once || !flaw.IsZero() {
			t.Fatalf("%q is read as %q, and that as %q, %v", text, once, twice, flaw)
		}
		if strings.TrimSpace(once) != once || strings.ContainsAny(once, "\r\ufeff") || !rule.Lines && strings.ContainsAny(once, "\n\t") {
			t.Fatalf("%q is read as %q", text, once)
		}
	})
}
