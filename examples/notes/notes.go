// Package notes shows how an adopter gives each new account its own rows: a table with row policies, and a hook that writes to it
// in the transaction of the sign-up, as the owner of the account. If the hook fails, there is no account.
package notes

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

//go:embed migrations/*.sql
var files embed.FS

// Module returns the module of notes, for the list of modules of a program.
func Module() app.Module {
	return app.Module{Name: "notes", Migrations: migrations(), Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{welcome}}}
}

func migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// welcome writes a first note for the new account.
func welcome(ctx context.Context, tx *db.Tx, profile *db.Profile) error {
	err := tx.ExecOne(ctx, `
		INSERT INTO app.notes (id, user_id, body)
		VALUES ($1, $2, $3)`,
		uuid.New(), tx.Viewer.UserID, "Welcome, "+profile.Username+"!")
	if err != nil {
		return fmt.Errorf("write the welcome note: %w", err)
	}
	return nil
}

// Find returns the viewer's notes. The query has no condition: the row policy selects the rows.
func Find(ctx context.Context, d *db.DB, viewer auth.Viewer) (bodies []string, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.Select(ctx, &bodies, `SELECT body FROM app.notes ORDER BY body`)
	})
	if err != nil {
		return nil, fmt.Errorf("find notes: %w", err)
	}
	return bodies, nil
}
