package probe_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/db/probe"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// A policy admits a user without a session as it would with one, and the row stays as it was.
func TestProberActsAsAnyUser(t *testing.T) {
	t.Parallel()
	server, ann, bob := dbtest.New(t), uuid.New(), uuid.New()
	owner := sqlx.MustConnect("postgres", server.Owner)
	defer owner.Close()
	owner.MustExec(`INSERT INTO app.users (id) VALUES ($1), ($2)`, ann, bob)
	owner.MustExec(`
		INSERT INTO app.profiles (id, user_id, username, username_key, visibility, updated_at)
		VALUES (gen_random_uuid(), $1, 'ann', 'ann', 'MEMBERS', 'epoch')`, ann)
	profiles := db.Table{Name: "profiles", Admits: db.AdmitsVisible, Update: []string{"bio"}}
	p, err := probe.Open(server.App)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, c := range []struct {
		command string
		user    uuid.UUID
		want    bool
	}{
		{"SELECT", ann, true},
		{"SELECT", bob, true},
		{"SELECT", uuid.Nil, false},
		{"UPDATE", ann, true},
		{"UPDATE", bob, false},
		{"UPDATE", uuid.Nil, false},
	} {
		policy, _ := profiles.Policy(c.command)
		got, err := p.Admits(t.Context(), auth.Viewer{UserID: c.user}, policy, db.RowRef{Column: "user_id", ID: ann})
		if err != nil || got != c.want {
			t.Errorf("%s as %s: admitted %v, error %v, want %v", c.command, c.user, got, err, c.want)
		}
	}
	var place string
	if err := owner.Get(&place, `SELECT ctid FROM app.profiles`); err != nil || place != "(0,1)" { // where it was inserted
		t.Errorf("a probe wrote the row: it is at %s, %v", place, err)
	}
}
