package freeholdtest

import (
	"strings"
	"testing"

	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
	"freehold.dev/freehold/modules"
)

// A seed about something that the program does not have is an error that names it.
func TestInvalidSeedsAreNamed(t *testing.T) {
	t.Parallel()
	p := modules.MustProgram()
	value := func(key string) map[string]func(int) any {
		return map[string]func(int) any{key: func(int) any { return "x" }}
	}
	for _, c := range []struct {
		seed Seed
		want string // "" for a valid seed
	}{
		{Seed{Type: "Profile"}, ""},
		{Seed{Type: "Profile", Values: value("UpdateProfileInput.bio")}, ""},
		{Seed{Type: "Profile", Values: value("Query.profile.username")}, ""},
		{Seed{Type: "Profil"}, `the Type "Profil"`},
		{Seed{}, "these are User, Profile"},
		{Seed{Type: "Profile", Values: value("UpdateProfileInput.bios")}, `"UpdateProfileInput.bios"`},
		{Seed{Type: "Profile", Values: value("bio")}, `"bio"`},
		{Seed{Type: "Profile", Relate: "INSERT"}, "the Seed of Profile has Relate, but"},
		{Seed{Type: "Profile", Values: value("Query.profile.name")}, `"Query.profile.name"`},
	} {
		err := c.seed.check(p)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, want %q", c.seed, err, c.want)
		}
	}
}

// The proof searches replies to other viewers for the values of a seed that are unique, and for no others.
func TestUniqueValuesAreCanaries(t *testing.T) {
	t.Parallel()
	f := Seed{Type: "Note", Insert: "INSERT", Relate: "RELATE", OwnAnswers: map[string]string{"Query.x": "why", "Mutation.x": "why"}, Values: map[string]func(int) any{
		"CreateNoteInput.slug":  func(n int) any { return strings.Repeat("s", n) },
		"CreateNoteInput.color": func(int) any { return "RED" },
	}}.facts()
	into := &people.Sown{Seed: map[string]any{}, Canaries: map[string]string{}}
	for _, key := range []string{"CreateNoteInput.slug", "CreateNoteInput.color"} {
		if _, known, err := f.Values[key](nil, cases.Call{}, into); !known || err != nil {
			t.Errorf("%s: %v, %v", key, known, err)
		}
	}
	if into.Seed["color"] != "RED" || into.Canaries["color"] != "" || into.Canaries["slug"] == "" || into.Canaries["slug"] != into.Seed["slug"] {
		t.Errorf("got %+v", into)
	}
	if f.Insert["Note"] != "INSERT" || f.Relate["Note"] != "RELATE" || f.Own["Query.x"] != cases.ShowsViewer || f.Own["Mutation.x"] != cases.ChangesViewer {
		t.Errorf("got %+v", f)
	}
}
