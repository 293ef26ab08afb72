package db_test

import (
	"context"
	"fmt"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

// Each statement runs as the viewer: the row policies decide which rows it sees, so the query does not.
func ExampleDB_Read() {
	server, drop := dbtest.ForExample()
	defer drop()
	d, err := db.Open(db.Options{URL: server.App})
	if err != nil {
		panic(err)
	}
	defer d.Close()
	ctx := context.Background()
	ann, err := signUp(ctx, d, "ann", "PRIVATE")
	if err != nil {
		panic(err)
	}

	for _, viewer := range []auth.Viewer{ann, {}} {
		var usernames []string
		err := d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
			return tx.Select(ctx, &usernames, `SELECT username FROM app.profiles`)
		})
		fmt.Println(usernames, err)
	}
	// Output:
	// [ann] <nil>
	// [] <nil>
}

// All statements of a Write are committed, or none. One that changes no row, because it belongs to another user, is an error.
func ExampleDB_Write() {
	server, drop := dbtest.ForExample()
	defer drop()
	d, err := db.Open(db.Options{URL: server.App})
	if err != nil {
		panic(err)
	}
	defer d.Close()
	ctx := context.Background()
	ann, err := signUp(ctx, d, "ann", "PUBLIC")
	if err != nil {
		panic(err)
	}
	bob, err := signUp(ctx, d, "bob", "PUBLIC")
	if err != nil {
		panic(err)
	}

	for _, owner := range []auth.Viewer{ann, bob} {
		err := d.Write(ctx, ann, func(ctx context.Context, tx *db.Tx) error {
			return tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'Hello' WHERE user_id = $1`, owner.UserID)
		})
		fmt.Println(err == nil, fault.Is(err, fault.NotFound))
	}
	// Output:
	// true false
	// false true
}
