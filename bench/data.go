//go:build linux

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"time"

	"freehold.dev/freehold/bench/load"
	"freehold.dev/freehold/bench/requests"
)

// users is the number of accounts that the loads use.
const users = 200

//go:embed seed.sql
var helpers string

// data is a database and its accounts for the loads.
type data struct {
	database, owner string // owner is the role that seeds it
	schema          string // of the tables, with a dot
	seed            string // a file that fills it
	users           []*requests.User
}

// execute runs statements without arguments.
func (b *bench) execute(ctx context.Context, role, database, statements string) error {
	db, err := b.postgres.Open(role, database)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("run SQL in database %s: %w", database, err)
	}
	return nil
}

// createDatabase creates a database that only its owner and another role can connect to.
func (b *bench) createDatabase(ctx context.Context, name, owner, user string) error {
	for _, statement := range []string{
		`CREATE DATABASE ` + name + ` OWNER ` + owner,
		`REVOKE ALL ON DATABASE ` + name + ` FROM PUBLIC`,
		`GRANT CONNECT ON DATABASE ` + name + ` TO ` + user,
	} {
		if err := b.execute(ctx, "postgres", "postgres", statement); err != nil {
			return err
		}
	}
	return nil
}

// signUp creates the accounts for the loads, through the server.
func (s *server) signUp(ctx context.Context, connections int) error {
	calls := make([]*load.Call, users)
	for i := range calls {
		u := &requests.User{Number: i + 1, Username: fmt.Sprintf("user%07d", i+1)}
		u.Email = u.Username + "@example.org"
		u.DisplayName = "Name of " + u.Username
		u.Bio = fmt.Sprintf("I am number %d. I read, I walk, I cook, and now and then I write a line such as this one about it.", u.Number)
		u.Birthday = time.Date(1980, 1, 1+u.Number, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		calls[i] = s.call(s.dialect.SignUp(u.Email, u.Username, func(token string) { u.Token = token }), "")
		s.data.users = append(s.data.users, u)
	}
	if _, err := load.Run(ctx, s.addr, calls, connections, 0); err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	return nil
}

// fill completes the accounts that signed up, and adds those with the numbers from first to last. If hidden is true, no other
// account sees almost all of these.
func (b *bench) fill(ctx context.Context, d *data, first, last int, hidden bool) error {
	seed, err := os.ReadFile(d.seed)
	if err != nil {
		return fmt.Errorf("read the seed of %s: %w", d.database, err)
	}
	if err := b.execute(ctx, "postgres", d.database, helpers); err != nil {
		return err
	}
	setting := map[bool]string{true: "on", false: "off"}[hidden]
	settings := fmt.Sprintf("SET bench.first = %d; SET bench.last = %d; SET bench.hidden = '%s';\n", first, last, setting)
	if err := b.execute(ctx, d.owner, d.database, settings+string(seed)); err != nil {
		return err
	}
	if err := b.execute(ctx, "postgres", d.database, `DROP SCHEMA bench CASCADE`); err != nil {
		return err
	}
	for _, statement := range []string{`VACUUM ANALYZE`, `CHECKPOINT`} {
		if err := b.execute(ctx, "postgres", d.database, statement); err != nil {
			return err
		}
	}
	for _, u := range d.users {
		u.DisplayName = "Name of " + u.Username
		u.Public = !hidden || u.Number <= requests.PageSize
	}
	return b.readIDs(ctx, d)
}

// readIDs reads the ids of the accounts for the loads.
func (b *bench) readIDs(ctx context.Context, d *data) error {
	db, err := b.postgres.Open(d.owner, d.database)
	if err != nil {
		return err
	}
	defer db.Close()
	query := `SELECT id, user_id FROM ` + d.schema + `profiles WHERE username = $1`
	for _, u := range d.users {
		if err := db.QueryRowContext(ctx, query, u.Username).Scan(&u.ProfileID, &u.UserID); err != nil {
			return fmt.Errorf("find the profile of %s in database %s: %w", u.Username, d.database, err)
		}
	}
	return nil
}
