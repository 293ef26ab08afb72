package accounts

import (
	"context"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// ReadText brings a text of an input object into the form in which it is stored, and adds its flaw for the path. A blank text
// becomes NULL. The last argument is the rule, such as the method Read of an input.TextRule.
func ReadText(faults *fault.Faults, path string, field *db.Patch[string], read func(string) (string, fault.Flaw)) {
	if field.Value == nil {
		return
	}
	value, flaw := read(*field.Value)
	faults.Add(path, flaw)
	if field.Value = &value; value == "" {
		field.Value = nil
	}
}

// Require adds a flaw for the path if a change would clear the field. Call it after ReadText.
func Require[T any](faults *fault.Faults, path string, field db.Patch[T]) {
	if field.Set && field.Value == nil {
		faults.Add(path, fault.Flaw{Code: "REQUIRED", Message: "This field is required."})
	}
}

// CheckWrite counts a write of the viewer, and returns RATE_LIMITED if there are too many. Call it before a mutation changes
// anything.
func (s *Service) CheckWrite(ctx context.Context, viewer auth.Viewer) error {
	return s.limits.CheckWrite(ctx, viewer.UserID)
}
