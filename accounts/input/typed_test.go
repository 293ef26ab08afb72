package input

import (
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/internal/runes"
)

// Phone numbers are read as people and address books write them, and stored as E.164.
func TestPhoneNumbersAreRead(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"+4930123456": "+4930123456", "+49 30 123456": "+4930123456", "+49 (0)30 / 12 34-56": "+4930123456", "0049 30 123456": "+4930123456",
		" +1 (202) 555-0100 ": "+12025550100", "+1.202.555.0100": "+12025550100", "+44 7700 900123": "+447700900123", "+39 06 1234 5678": "+390612345678",
		"\u202a+49 30 123456\u202c": "+4930123456", "\u2068+49\u206930\u200b123456": "+4930123456", "\ufeff+4930123456\u200e": "+4930123456", // pasted
		"+49\u00a030\u2011123\u2013456": "+4930123456", "+49\u202f30\u2212123456": "+4930123456", "[+49] 30·123456": "+4930123456",
		"\uff0b\uff14\uff19\u3000\uff13\uff10\uff0d\uff11\uff12\uff13\uff14\uff15\uff16": "+4930123456", // full-width
		"+\u0664\u0669 \u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666":                "+4930123456", // Arabic digits
		"\t+4930123456\r\n": "+4930123456", "+800 1234 5678": "+80012345678", "+870 773 111 632": "+870773111632",
		"": "", " \t\u00a0": "", "\ufeff": "",
		"030 123456": "!", "30123456": "!", "4930123456": "!", "12": "!", "+": "!", "+12": "!", "+49": "!", "+0 30 123456": "!", "00": "!", "000049301234": "!", "0011 49 30 123456": "!", "+49 00000000": "!",
		"+999 123456789": "!", "+1 555 0100": "!", "+49 30 123456 ext. 7": "!", "+49 30 123456x7": "!", "+1 800 FLOWERS": "!", "++4930123456": "!", "+49+30123456": "!",
		"+49 30 123456;ext=7": "!", "tel:+4930123456": "!", "+4930123456\x00": "!", "+493012345\xff": "!", "+49 30 123456, +49 30 123457": "!",
		"+" + strings.Repeat("1", 40): "!", "+49100000000000": "+49100000000000", "+491000000000000": "+491000000000000", "+4910000000000000": "!", "+49100000000000000": "!", strings.Repeat(" ", 60) + "+4930123456": "!",
	} {
		got, flaw := ReadPhone(typed)
		if flaw.IsZero() == (want == "!") || want != "!" && got != want || flaw.IsZero() != (flaw.Message == "") {
			t.Errorf("%q is read as %q, %v; want %q", typed, got, flaw, want)
		}
		if again, flaw := ReadPhone(got); want != "!" && (again != got || !flaw.IsZero()) {
			t.Errorf("%q is read as %q, and that as %q, %v", typed, got, again, flaw)
		}
	}
}

func FuzzPhone(f *testing.F) {
	f.Add("+49 (0)30 123456")
	f.Add("\uff0b1\u202a2025550100")
	f.Add("+49100000000000000")
	f.Fuzz(func(t *testing.T, typed string) {
		number, flaw := ReadPhone(typed)
		if !flaw.IsZero() || number == "" {
			return
		}
		if again, flaw := ReadPhone(number); again != number || !flaw.IsZero() || len(number) > 15+1 || number[0] != '+' || strings.Trim(number[1:], "0123456789") != "" {
			t.Errorf("%q is read as %q, and that as %q, %v", typed, number, again, flaw)
		}
	})
}

// A birthday may be today in any time zone. Each day begins first in UTC+14.
func TestBirthdaysAreInThePast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ now, birthday, code, last string }{
		{"2026-03-01T09:59:59Z", "2026-03-01", "", ""},
		{"2026-03-01T09:59:59Z", "2026-03-02", "IN_FUTURE", "2026-03-01"},
		{"2026-03-01T10:00:00Z", "2026-03-02", "", ""},
		{"2026-03-01T23:59:59Z", "2026-03-03", "IN_FUTURE", "2026-03-02"},
		{"2026-12-31T10:00:00Z", "2027-01-01", "", ""},
		{"2026-02-28T23:00:00-12:00", "2026-03-01", "", ""},
		{"2026-02-28T23:00:00-12:00", "2026-03-03", "IN_FUTURE", "2026-03-02"},
		{"2026-03-01T00:00:00Z", "1900-01-01", "", ""},
		{"2026-03-01T00:00:00Z", "1899-12-31", "OUT_OF_RANGE", "2026-03-01"},
		{"2026-03-01T00:00:00Z", "0001-01-01", "OUT_OF_RANGE", "2026-03-01"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		birthday, err2 := time.Parse(time.DateOnly, c.birthday)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		flaw := ValidateBirthday(birthday, now)
		if flaw.Code != c.code || c.code != "" && (flaw.Params["min"] != "1900-01-01" || flaw.Params["max"] != c.last) {
			t.Errorf("%s at %s: %v, want %s until %s", c.birthday, c.now, flaw, c.code, c.last)
		}
	}
}

// A name is reserved in any case and with any separators. The error for a bad line names it.
func TestReservedUsernames(t *testing.T) {
	t.Parallel()
	ours := DefaultReserved()
	for name, want := range map[string]bool{
		"admin": true, "ad.min": true, "a-d-m-i-n": true, "_root_": true, "null": true, "graphql": true, "m.e": true, "api": true, "sign-up": true,
		"administer": false, "ann": false, "admin2": false, "rooted": false, "new": false,
	} {
		if got := ours.has(name); got != want {
			t.Errorf("%s is reserved: %v, want %v", name, got, want)
		}
	}
	if len(ours) < 60 {
		t.Errorf("only %d names are reserved", len(ours))
	}
	for list, want := range map[string]string{
		"":                                "0",
		"# nothing\n\n":                   "0",
		"\ufeffBoss\r\nthe.boss # ours\n": "2",
		"a\nb b\n":                        "line 2 is not a username",
		"\n\nb\u00f6ss":                   "line 3 is not a username",
		"...":                             "line 1 is not a username",
		strings.Repeat("a", 31):           "line 1 is not a username",
		strings.Repeat("a", 1<<20):        "read the list",
	} {
		reserved, err := ReadReserved(strings.NewReader(list))
		switch want {
		case "0", "2":
			if err != nil || len(reserved) != int(want[0]-'0') || want == "2" && !reserved.has("b_o_s_s") {
				t.Errorf("%.20q: %v, %v", list, reserved, err)
			}
		default:
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%.20q: %v, want %s", list, err, want)
			}
		}
	}
}

func TestUsernamesAreRead(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Ann_Lee-2.0": "", " ann ": "", "\ufeffann\r\n": "", "a.b.c": "", "-ann-": "", "_ann": "", "ann..lee": "INVALID", ".ann": "INVALID", "ann.": "INVALID", "...": "INVALID", "-_-": "INVALID",
		"ann lee": "INVALID_CHARACTER", "\u00e4nn": "INVALID_CHARACTER", "ann\x00": "INVALID_CHARACTER", "an": "TOO_SHORT", "": "TOO_SHORT", " a ": "TOO_SHORT",
		strings.Repeat("a", 30): "", strings.Repeat("a", 31): "TOO_LONG",
	} {
		username, key, flaw := Reserved(nil).ReadNewUsername(typed)
		if flaw.Code != want || want == "" && (username != runes.Trim(typed) || key != strings.ToLower(username)) {
			t.Errorf("%q is read as %q, %q, %v; want %q", typed, username, key, flaw, want)
		}
	}
}
