package notes_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/examples/notes"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

func TestEachNewAccountBeginsWithANoteOfItsOwn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, db.MigrationSet{Name: notes.Module().Name, Files: notes.Module().Migrations})
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{Further: []app.Module{notes.Module()}})
	ann, bob := s.SignUpAs("ann", nil), s.SignUpAs("bob", nil)
	pool, err := db.Open(db.Options{URL: d.App})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	for who, want := range map[auth.Viewer][]string{viewer(t, ann): {"Welcome, ann!"}, viewer(t, bob): {"Welcome, bob!"}, {}: nil} {
		if got, err := notes.Find(t.Context(), pool, who); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v sees the notes %v (%v), want %v", who.UserID, got, err, want)
		}
	}

	// Without its table the hook fails, and there is no account either.
	d.Query(t, `DROP TABLE app.notes`)
	s.ExpectError("app.notes")
	if r := s.Do("", `mutation { signUp(input: {email: "eve@example.org", password: "correct horse battery", username: "eve"}) { user { id } } }`, nil); r.Code() != "INTERNAL_SERVER_ERROR" {
		t.Errorf("with a hook that fails: %s", r.Body)
	}
	if n := d.Query(t, `SELECT count(*) FROM app.users`); n[0] != "2" {
		t.Errorf("there are %s users, want 2", n[0])
	}
}

// viewer returns the viewer that an account's token names.
func viewer(t *testing.T, a harness.Account) auth.Viewer {
	t.Helper()
	return auth.Viewer{UserID: uuid.MustParse(a.UserID), SessionID: uuid.MustParse(harness.DecodeClaims(t, a.Token)["sid"].(string))}
}
