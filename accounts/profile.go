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
		faults.Add("input.visibility", fault.Flaw{Code: "NULL", Message: "The visibility can be changed, but not cleared."})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return s.db.UpdateProfile(ctx, viewer, id, fields)
}

// judgeProfile notes what is wrong with the fields below path, and normalises their texts.
func judgeProfile(faults *fault.Faults, path string, f *db.ProfileFields) {
	judgeText(faults, path+".displayName", &f.DisplayName, maxDisplayName, false)
	judgeText(faults, path+".bio", &f.Bio, maxBio, true)
	judgeText(faults, path+".location", &f.Location, maxLocation, false)
	if b := f.Birthday.Value; b != nil && b.After(time.Now()) {
		faults.Add(path+".birthday", fault.Flaw{Code: "IN_FUTURE", Message: "A birthday is in the past."})
	}
	if p := f.PhoneNumber.Value; p != nil && !e164.MatchString(*p) {
		faults.Add(path+".phoneNumber", fault.Flaw{Code: "INVALID", Message: "This is not a phone number in international form, such as +4930123456."})
	}
}

// judgeText normalises a text in place to NFC without white space around it, and notes what is wrong with it. A text of
// which nothing is left is an empty field.
func judgeText(faults *fault.Faults, path string, field *db.Patch[string], longest int, lines bool) {
	if field.Value == nil {
		return
	}
	if !utf8.ValidString(*field.Value) || strings.ContainsFunc(*field.Value, func(r rune) bool { return isForbidden(r, lines) }) {
		faults.Add(path, fault.Flaw{Code: "INVALID_CHARACTER", Message: "This text has a character that cannot be shown."})
		return
	}
	text := strings.TrimSpace(norm.NFC.String(*field.Value))
	switch {
	case text == "":
		field.Value = nil
		return
	case utf8.RuneCountInString(text) > longest:
		faults.Add(path, fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("This can have at most %d characters.", longest), Params: fault.Params{"max": longest}})
	case !strings.ContainsFunc(text, isSeen):
		faults.Add(path, fault.Flaw{Code: "INVALID_CHARACTER", Message: "Nothing of this text can be seen."})
	}
	field.Value = &text
}

func isSeen(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Mn, r)
}

// isForbidden reports whether a character has no place in a text that others read: controls, what cannot be a
// character, invisible ones and the marks that turn the direction of what follows. Joiners and tags are allowed; scripts
// and emoji need them.
func isForbidden(r rune, lines bool) bool {
	switch {
	case lines && (r == '\n' || r == '\t'):
		return false
	case r == 0x200c, r == 0x200d, r >= 0xe0020 && r <= 0xe007f:
		return false
	case r == unicode.ReplacementChar, r == 0x2028, r == 0x2029, r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}
