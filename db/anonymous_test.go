package db_test

import (
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
)

// O16: of two anonymous sign-ups at once for the last room, the second waits for the first, and then finds no room.
func TestAnonymousAccountsAreAdmittedOneByOne(t *testing.T) {
	t.Parallel()
	pool := connect(t, dbtest.New(t).Superuser)
	begin := func() (admit func() bool, commit func()) {
		tx, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tx.Rollback() })
		if _, err := tx.ExecContext(t.Context(), `WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id)
			INSERT INTO app.accounts (user_id, password_hash, anonymous) SELECT id, '', true FROM u`); err != nil {
			t.Fatal(err)
		}
		return func() (ok bool) {
				if err := tx.QueryRowContext(t.Context(), `SELECT app.admit_anonymous(1, 60)`).Scan(&ok); err != nil {
					t.Error(err)
				}
				return ok
			}, func() {
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
			}
	}
	first, commit := begin()
	second, _ := begin()
	if !first() {
		t.Error("the first was refused")
	}
	admitted := make(chan bool, 1)
	go func() { admitted <- second() }()
	select {
	case <-admitted:
		t.Fatal("the second does not wait for the first")
	case <-time.After(200 * time.Millisecond):
	}
	commit()
	if <-admitted {
		t.Error("both were admitted to the only room")
	}
}
