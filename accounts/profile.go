package accounts

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// UpdateProfile changes the viewer's profile and returns it. The id is uuid.Nil or identifies the viewer's own profile;
// otherwise, the error is NOT_FOUND.
func (s *Service) UpdateProfile(ctx context.Context, viewer auth.Viewer, id uuid.UUID, fields db.ProfileFields) (*db.Profile, error) {
	var faults fault.Faults
	s.readProfile(&faults, "input.", &fields)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if err := s.CheckWrite(ctx, viewer); err != nil {
		return nil, err
	}
	return s.db.UpdateProfile(ctx, viewer, id, fields)
}

// readProfile brings fields into the form in which they are stored, and adds their faults in the order of the schema. The path is
// that of the input object: "", or with a dot at its end.
func (s *Service) readProfile(faults *fault.Faults, path string, f *db.ProfileFields) {
	text := func(name string, field *db.Patch[string], read func(string) (string, fault.Flaw)) {
		ReadText(faults, path+name, field, read)
	}
	text("displayName", &f.DisplayName, input.DisplayName.Read)
	text("bio", &f.Bio, input.Bio.Read)
	text("location", &f.Location, input.Location.Read)
	if v := f.Visibility; v.Set && v.Value == nil {
		faults.Add(path+"visibility", fault.Flaw{Code: "NULL", Message: "You can change the visibility, but you cannot clear it."})
	}
	if b := f.Birthday.Value; b != nil {
		faults.Add(path+"birthday", input.ValidateBirthday(*b, s.now()))
	}
	text("phoneNumber", &f.PhoneNumber, input.ReadPhone)
}

// ValidateProfile returns the faults of the fields of a profile. Their paths are the names of the fields.
func (s *Service) ValidateProfile(fields db.ProfileFields) []fault.Field {
	var faults fault.Faults
	s.readProfile(&faults, "", &fields)
	return faults.Fields()
}
