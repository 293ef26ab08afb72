package db_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// An update writes only the tables that change, and returns the row without a further statement.
func TestUpdateProfileWritesOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	var ran []string
	d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observer: db.Observer{Query: func(query string) {
		words := strings.Fields(query)
		ran = append(ran, strings.Join(words[:min(2, len(words))], " "))
	}}})
	ann := member(t, d, "ann", "PRIVATE")
	born := time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		fields  db.ProfileFields
		private bool
	}{
		{"a public field", db.ProfileFields{Bio: text("new")}, false},
		{"no field", db.ProfileFields{}, false},
		{"a birthday", db.ProfileFields{Birthday: db.Patch[time.Time]{Set: true, Value: &born}}, true},
		{"a phone number", db.ProfileFields{PhoneNumber: text("+4930123456")}, true},
		{"a phone number that is cleared", db.ProfileFields{PhoneNumber: db.Patch[string]{Set: true}}, true},
		{"fields of both", db.ProfileFields{Location: text("Rome"), PhoneNumber: text("+4930123457")}, true},
	} {
		version := func() string {
			return server.Query(t, `SELECT xmin::text FROM app.profile_private WHERE user_id = $1`, ann.UserID)[0]
		}
		before := version()
		ran = nil
		updated, err := d.UpdateProfile(t.Context(), ann, uuid.Nil, c.fields)
		want := []string{"SELECT app.enter_session($1,", "UPDATE app.profiles"}
		if c.private {
			want = []string{"BEGIN", "SELECT app.enter_session($1,", "UPDATE app.profiles", "UPDATE app.profile_private", "COMMIT"}
		}
		if err != nil || !slices.Equal(ran, want) {
			t.Errorf("%s: ran %q, want %q: %v", c.name, ran, want, err)
		}
		if written := version() != before; written != c.private {
			t.Errorf("%s: the private row was written: %v", c.name, written)
		}
		found, err := d.FindProfileOfUser(t.Context(), ann, ann.UserID)
		if err != nil || found.UpdatedAt.Before(time.Now().Add(-time.Minute)) {
			t.Fatal(found, err)
		}
		if same := cmp.Diff(found, updated); same != "" {
			t.Errorf("%s: the row differs from what was returned:\n%s", c.name, same)
		}
	}
}

// An update that fails after it has returned its row returns the error.
func TestUpdateThatFailsAtItsEnd(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	ann := member(t, d, "ann", "PRIVATE")
	server.Query(t, `CREATE FUNCTION app.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'at the end'; END $$`)
	server.Query(t, `CREATE CONSTRAINT TRIGGER fail AFTER UPDATE ON app.profiles DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.fail()`)
	if _, err := d.UpdateProfile(t.Context(), ann, uuid.Nil, db.ProfileFields{Bio: text("new")}); err == nil || !strings.Contains(err.Error(), "at the end") {
		t.Errorf("got %v", err)
	}
	if bio := server.Query(t, `SELECT COALESCE(bio, 'none') FROM app.profiles`)[0]; bio != "none" {
		t.Errorf("the bio is %q", bio)
	}
}
