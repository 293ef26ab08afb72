package notes_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/examples/notes"
	"freehold.dev/freehold/modules"
)

func TestMain(m *testing.M) { dbtest.Main(m, modules.MustProgram().Migrations()...) }

func TestEachNewAccountBeginsWithANoteOfItsOwn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, db.MigrationSet{Name: notes.Module().Name, Files: notes.Module().Migrations})
	c, err := app.LoadConfig([]string{"DATABASE_URL=" + d.App, "FREEHOLD_DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	a, err := modules.MustProgram().New(t.Context(), c, app.Options{Further: []app.Module{notes.Module()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)

	ann, bob := signUp(t, d, server.URL, "ann"), signUp(t, d, server.URL, "bob")
	pool, err := db.Open(db.Options{URL: d.App})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	for viewer, want := range map[auth.Viewer][]string{ann: {"Welcome, ann!"}, bob: {"Welcome, bob!"}, {}: nil} {
		if got, err := notes.Find(t.Context(), pool, viewer); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v sees the notes %v (%v), want %v", viewer.UserID, got, err, want)
		}
	}

	// Without its table the hook fails, and there is no account either.
	d.Query(t, `DROP TABLE app.notes`)
	if body := post(t, server.URL, "eve"); !strings.Contains(body, "INTERNAL_SERVER_ERROR") {
		t.Errorf("with a hook that fails: %s", body)
	}
	if n := d.Query(t, `SELECT count(*) FROM app.users`); n[0] != "2" {
		t.Errorf("there are %s users, want 2", n[0])
	}
}

// signUp creates an account and returns its viewer.
func signUp(t *testing.T, d dbtest.Database, url, name string) auth.Viewer {
	t.Helper()
	if body := post(t, url, name); strings.Contains(body, "errors") {
		t.Fatal(body)
	}
	const find = `FROM app.profiles p JOIN app.sessions s ON s.user_id = p.user_id WHERE p.username = $1`
	return auth.Viewer{
		UserID:    uuid.MustParse(d.Query(t, `SELECT p.user_id `+find, name)[0]),
		SessionID: uuid.MustParse(d.Query(t, `SELECT s.id `+find, name)[0]),
	}
}

func post(t *testing.T, url, name string) string {
	t.Helper()
	query := fmt.Sprintf(`mutation { signUp(input: {email: \"%[1]s@example.org\", password: \"correct horse battery\", username: \"%[1]s\"}) { user { id } } }`, name)
	r, err := http.Post(url+"/graphql", "application/json", strings.NewReader(`{"query": "`+query+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
