package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/modules"
)

func run1(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := Command{Program: modules.Program}.access(t.Context(), args, &out)
	return out.String(), err
}

// docs/access.md is what the command prints of the current schema.
func TestAccessPageIsFresh(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	now, err := run1(t, "--format=markdown")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(now, string(page)); d != "" {
		t.Errorf("docs/access.md is stale; run `make generate` (-want +got):\n%s", d)
	}
}

func TestAccessCommand(t *testing.T) {
	t.Parallel()
	text, err := run1(t)
	if err != nil || len(strings.Split(text, "\n")) < len(modules.MustProgram().Access().Fields) || !strings.Contains(text, "profile_private_select admits only its owner") {
		t.Errorf("as text: %v\n%s", err, text)
	}
	json, err := run1(t, "--format=json")
	if err != nil {
		t.Fatal(err)
	}
	// The same matrix; a field that only its owner got before; one that every viewer got before; a deleted one and a new one.
	old := filepath.Join(t.TempDir(), "old.json")
	for _, c := range []struct{ name, was, is, want string }{
		{"nothing", "", "", ""},
		{"widened", `"type": "User",
      "field": "id",
      "rule": "@visible",
      "answers": {
        "member": "NOT_FOUND",
        "member, visible-to": "value",`, `"type": "User",
      "field": "id",
      "rule": "@owner",
      "answers": {
        "member": "NOT_FOUND",
        "member, visible-to": "FORBIDDEN",`, "widened:\n  User.id [member, visible-to]: FORBIDDEN -> value\n"},
		{"narrowed", `"field": "revokeOtherSessions",
      "rule": "@signedIn",
      "answers": {
        "member": "value",
        "member, visible-to": "value",
        "nobody": "UNAUTHENTICATED",`, `"field": "revokeOtherSessions",
      "rule": "@signedIn",
      "answers": {
        "member": "value",
        "member, visible-to": "value",
        "nobody": "value",`, "narrowed:\n  Mutation.revokeOtherSessions [nobody]: value -> UNAUTHENTICATED\n"},
		{"new", `"field": "phoneNumber"`, `"field": "faxNumber"`, "widened:\n  new: Profile.phoneNumber @owner, a value for [owner], held by rule and policy\nnarrowed:\n  deleted: Profile.faxNumber @owner, a value for [owner], held by rule and policy\n"},
	} {
		if !strings.Contains(json, c.was) {
			t.Fatalf("%s: the JSON lacks\n%s\n%s", c.name, c.was, json)
		}
		if err := os.WriteFile(old, []byte(strings.ReplaceAll(json, c.was, c.is)), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := run1(t, "--diff", old)
		if got != c.want || (err != nil) != strings.Contains(c.want, "widened") {
			t.Errorf("%s: %v, %q; want %q", c.name, err, got, c.want)
		}
	}
}

func TestAccessCommandNamesItsFaults(t *testing.T) {
	t.Parallel()
	notJSON := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(notJSON, []byte(`{"fields": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--format":              {"--format=xml"},
		"usage":                 {"User.email"},
		"flag provided but not": {"--wide"},
		"no such file":          {"--diff", "/nowhere.json"},
		"it has no fields":      {"--diff", notJSON},
		"explain --as USER":     {"explain", "User.email"},
	} {
		if _, err := run1(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
