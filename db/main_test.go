package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func text(s string) db.Patch[string] { return db.Patch[string]{Set: true, Value: &s} }

// member signs up an account, and returns its viewer.
func member(t *testing.T, d *db.DB, name, visibility string) auth.Viewer {
	t.Helper()
	v, err := signUp(t.Context(), d, name, visibility)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signUp signs up an account as the use case does, and returns its viewer.
func signUp(ctx context.Context, d *db.DB, name, visibility string) (auth.Viewer, error) {
	v := auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	err := d.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		err := tx.CreateAccount(ctx, db.Account{
			UserID: v.UserID, Email: name + "@example.org", EmailKey: name + "@example.org", PasswordHash: "x",
			Session: db.SessionParams{ID: v.SessionID, RefreshHash: []byte("x"), Idle: time.Hour, Lifetime: time.Hour},
		})
		if err != nil {
			return err
		}
		entered, err := tx.Enter(ctx, v.SessionID)
		if err != nil {
			return err
		}
		return entered.CreateProfile(ctx, uuid.New(), name, name, db.ProfileFields{Visibility: text(visibility)})
	})
	return v, err
}
