package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// UpdateProfile changes the viewer's profile and returns it. The id, where it is not uuid.Nil, must be that of the
// viewer's own profile, else the error is NOT_FOUND.
func (s *Service) UpdateProfile(ctx context.Context, viewer auth.Viewer, id uuid.UUID, fields db.ProfileFields) (*db.Profile, error) {
	var faults fault.Faults
	s.readProfile(&faults, "input.", &fields)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if err := s.withinWrites(ctx, viewer); err != nil {
		return nil, err
	}
	return s.db.UpdateProfile(ctx, viewer, id, fields)
}

// readProfile brings the fields below path into the form in which they are stored, and adds their faults in the order of the
// schema. The path is "" or ends in a dot.
func (s *Service) readProfile(faults *fault.Faults, path string, f *db.ProfileFields) {
	text := func(name string, field *db.Patch[string], read func(string) (string, fault.Flaw)) {
		if field.Value == nil {
			return
		}
		value, flaw := read(*field.Value)
		faults.Add(path+name, flaw)
		if field.Value = &value; value == "" {
			field.Value = nil
		}
	}
	text("displayName", &f.DisplayName, textRule{longest: maxDisplayName}.read)
	text("bio", &f.Bio, textRule{longest: maxBio, lines: true}.read)
	text("location", &f.Location, textRule{longest: maxLocation}.read)
	if v := f.Visibility; v.Set && v.Value == nil {
		faults.Add(path+"visibility", fault.Flaw{Code: "NULL", Message: "You can change the visibility, but you cannot clear it."})
	}
	if b := f.Birthday.Value; b != nil {
		faults.Add(path+"birthday", judgeBirthday(*b, s.now()))
	}
	text("phoneNumber", &f.PhoneNumber, readPhone)
}

// firstBirthday is the earliest birthday that is accepted. The oldest person on record lived for 122 years, and nobody who was
// born earlier is alive.
var firstBirthday = time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)

// firstZone is the time zone in which each day begins first.
var firstZone = time.FixedZone("UTC+14", 14*60*60)

// judgeBirthday returns what is wrong with a birthday. It may be today in any time zone.
func judgeBirthday(birthday, now time.Time) fault.Flaw {
	year, month, day := now.In(firstZone).Date()
	last := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	params := fault.Params{"min": firstBirthday.Format(time.DateOnly), "max": last.Format(time.DateOnly)}
	switch {
	case birthday.After(last):
		return fault.Flaw{Code: "IN_FUTURE", Message: "The birthday cannot be in the future.", Params: params}
	case birthday.Before(firstBirthday):
		return fault.Flaw{Code: "OUT_OF_RANGE", Message: "The birthday must be 1900-01-01 or later.", Params: params}
	}
	return fault.Flaw{}
}
