package db_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

// D05: a member cannot give a row away, take one, or create one for another user. The app role has no privilege on the owner column.
// If a mistaken grant gives it one, the policies still refuse. The other user has no rows, so that no unique key hides the
// policies.
func TestOwnerOfARowCannotBeChanged(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	ann, bob := member(t, d, "ann", "PUBLIC"), member(t, d, "bob", "PUBLIC")
	server.Query(t, `DELETE FROM app.profiles WHERE user_id = $1`, bob.UserID)
	server.Query(t, `DELETE FROM app.profile_private WHERE user_id = $1`, bob.UserID)
	rows := func() []string {
		return server.Query(t, `SELECT to_jsonb(p)::text || to_jsonb(pp) || p.xmin || pp.xmin FROM app.profiles p FULL JOIN app.profile_private pp USING (user_id)`)
	}
	before := rows()
	write := func(viewer auth.Viewer, query string, args ...any) error {
		return d.Write(t.Context(), viewer, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, query, args...) })
	}
	expect := func(what string, err error, refused string) {
		t.Helper()
		if !refusedBy(err, refused) {
			t.Errorf("%s: got %v, want %q", what, err, refused)
		}
		if after := rows(); !slices.Equal(after, before) {
			t.Errorf("%s: the rows changed:\n%v\n%v", what, before, after)
		}
	}
	for table, insert := range map[string]string{
		"profiles":        `INSERT INTO app.profiles (id, user_id, username, username_key, visibility) VALUES (gen_random_uuid(), $1, 'x', 'x', 'PUBLIC')`,
		"profile_private": `INSERT INTO app.profile_private (user_id) VALUES ($1)`,
	} {
		// Without a WHERE, or the policy for SELECT would apply too and hide that the one for UPDATE is missing.
		hand := `UPDATE app.` + table + ` SET user_id = $1`
		policy := fmt.Sprintf("new row violates row-level security policy for table %q", table)
		for name, err := range map[string]error{"giving away": write(ann, hand, bob.UserID), "taking": write(bob, hand, bob.UserID)} {
			expect(name+" "+table, err, "permission denied for table "+table)
		}
		server.Query(t, `GRANT UPDATE (user_id) ON app.`+table+` TO freehold_app`)
		expect("giving away "+table+" with a mistaken grant", write(ann, hand, bob.UserID), policy)
		expect("giving away "+table+" to an unknown user", write(ann, hand, uuid.New()), policy)
		expect("taking "+table+" with a mistaken grant", write(bob, hand, bob.UserID), "")
		expect("taking "+table+" as an anonymous viewer", write(auth.Viewer{}, hand, bob.UserID), "")
		expect("creating "+table+" in another's name", write(ann, insert, bob.UserID), policy)
		expect("creating "+table+" as an anonymous viewer", write(auth.Viewer{}, insert, bob.UserID), policy)
	}
}

// refusedBy reports whether an error is PostgreSQL's refusal with this text or, without a text, whether no row was changed.
func refusedBy(err error, text string) bool {
	if text == "" {
		return fault.Is(err, fault.NotFound)
	}
	e := pq.As(err)
	return e != nil && e.Code == pqerror.InsufficientPrivilege && strings.Contains(e.Message, text)
}
