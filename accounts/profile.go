package accounts

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// The longest texts of a profile, in code points.
const (
	maxDisplayName = 100
	maxBio         = 1000
	maxLocation    = 100
)

// e164 is a phone number as ITU-T E.164 has it.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// UpdateProfile changes the viewer's profile and returns it. The id, where it is not uuid.Nil, must be that of the
// viewer's own profile, else the error is NOT_FOUND.
func (s *Service) UpdateProfile(ctx context.Context, viewer auth.Viewer, id uuid.UUID, fields db.ProfileFields) (*db.Profile, error) {
	var faults fault.Faults
	judgeProfile(&faults, "input", &fields)
	if v := fields.Visibility; v.Set && v.Value == nil {
		faults.Add("input.visibility", "NULL", "The visibility can be changed, but not cleared.")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return s.db.UpdateProfile(ctx, viewer, id, fields)
}

// judgeProfile notes what is wrong with the fields below path, and normalises their texts.
func judgeProfile(faults *fault.Faults, path string, f *db.ProfileFields) {
	judgeText(faults, path+".displayName", f.DisplayName.Value, maxDisplayName, false)
	judgeText(faults, path+".bio", f.Bio.Value, maxBio, true)
	judgeText(faults, path+".location", f.Location.Value, maxLocation, false)
	if b := f.Birthday.Value; b != nil && b.After(time.Now()) {
		faults.Add(path+".birthday", "IN_FUTURE", "A birthday is in the past.")
	}
	if p := f.PhoneNumber.Value; p != nil && !e164.MatchString(*p) {
		faults.Add(path+".phoneNumber", "INVALID", "This is not a phone number in international form, such as +4930123456.")
	}
}

// judgeText normalises a text in place to NFC without white space around it, and notes what is wrong with it.
func judgeText(faults *fault.Faults, path string, text *string, longest int, lines bool) {
	if text == nil {
		return
	}
	if !utf8.ValidString(*text) || strings.ContainsFunc(*text, func(r rune) bool { return isForbidden(r, lines) }) {
		faults.Add(path, "INVALID_CHARACTER", "This text has a character that cannot be shown.")
		return
	}
	*text = strings.TrimSpace(norm.NFC.String(*text))
	if utf8.RuneCountInString(*text) > longest {
		faults.Add(path, "TOO_LONG", fmt.Sprintf("This can have at most %d characters.", longest))
	}
}

// isForbidden reports whether a character has no place in a text that others read: controls, what cannot be a
// character, and the marks that turn the direction of what follows. Joiners are allowed; scripts and emoji need them.
func isForbidden(r rune, lines bool) bool {
	switch {
	case lines && (r == '\n' || r == '\t'):
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // bidi embeddings, overrides, isolates
		return true
	case r == unicode.ReplacementChar, r == 0xfeff, r == 0x2028, r == 0x2029, r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Co, r)
}
