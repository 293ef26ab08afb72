package access

import (
	"database/sql"
	"errors"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// The functions behind these fields answer only the owner, even if the app asks for another user.
func TestFunctionsOfOwnFieldsAnswerTheOwner(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, another := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
	s.DB.Query(t, `INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ('full', 3, now() + interval '1 hour')`)
	pool := open(t, s.DB.App)
	for _, call := range []string{"pending_email($1)", "has_password($1)", "reauthenticated_until($1, 60)", "rate_limited_until($1, '{full}', '{3}')"} {
		for who, c := range map[string]struct {
			token string
			want  bool
		}{"the owner": {a.Token, true}, "another": {another.Token, false}, "anonymous": {"", false}} {
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				_, err = tx.ExecContext(t.Context(), `SELECT app.enter($1, 60000)`, viewerOf(t, c.token).SessionID)
			}
			var got sql.NullString
			err = errors.Join(err, tx.QueryRowContext(t.Context(), `SELECT app.`+call, a.UserID).Scan(&got), tx.Rollback())
			if err != nil || got.Valid != c.want {
				t.Errorf("%s by %s: %+v, %v", call, who, got, err)
			}
		}
	}
}

// app.reauthenticated_until and app.require_reauthentication change at the same microsecond.
func TestReauthenticationEndsAtOneMoment(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	viewer, pool := viewerOf(t, a.Token), open(t, s.DB.Superuser)
	for ago, want := range map[string]bool{"59.999999 seconds": true, "60 seconds": false, "60.000001 seconds": false} {
		tx, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.ExecContext(t.Context(), `SELECT set_config('app.viewer_id', $1, true), set_config('app.session_id', $2, true)`, viewer.UserID, viewer.SessionID)
		_, err2 := tx.ExecContext(t.Context(), `UPDATE app.sessions SET authenticated_at = now() - $1::interval WHERE id = $2`, ago, viewer.SessionID)
		var until sql.NullString
		err3 := tx.QueryRowContext(t.Context(), `SELECT app.reauthenticated_until($1, 60)`, viewer.UserID).Scan(&until)
		_, required := tx.ExecContext(t.Context(), `SELECT app.require_reauthentication(60, '{PASSWORD}')`)
		if err := errors.Join(err, err2, err3, tx.Rollback()); err != nil || until.Valid != want || (required == nil) != want {
			t.Errorf("%s ago: until %+v, required: %v, %v", ago, until, required, err)
		}
	}
}
