//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Freehold's statements, in transactions that prove a session. :n is the number of a user, whose ids come from arrays.
const (
	enter = `SELECT app.enter(SESSION, 3000) AS user_id, set_config('app.client_ip', '127.0.0.1', true), set_config('app.client_device', '', true);`

	columns = `id, user_id, username, display_name, bio, avatar_url, website_url, location, visibility, created_at, updated_at`

	ownProfile = `SELECT ` + columns + ` FROM app.profiles WHERE user_id = USER;`

	ownPrivate = `SELECT u.email, u.email_verified_at, p.birthday, p.phone_number
		FROM app.user_private u JOIN app.profile_private p ON p.user_id = u.user_id WHERE u.user_id = USER;`

	update = `UPDATE app.profiles SET display_name = display_name, updated_at = now() WHERE user_id = USER RETURNING ` + columns + `;`

	branch = `SELECT * FROM (SELECT ` + columns + ` FROM app.profiles WHERE CONDITION ORDER BY created_at DESC, id DESC LIMIT 101) AS x LIMIT 51`
)

// transactions are the pgbench scripts of the loads that have one.
func transactions() map[string]string {
	list := make([]string, 3)
	for i, condition := range []string{`visibility = 'PUBLIC'`, `visibility = 'MEMBERS'`, `user_id = USER AND visibility = 'PRIVATE'`} {
		list[i] = "(" + strings.ReplaceAll(branch, "CONDITION", condition) + ")"
	}
	page := strings.Join(list, " UNION ALL ") + " ORDER BY created_at DESC, id DESC LIMIT 51;"
	return map[string]string{
		"W1":  transaction("READ ONLY", ownProfile, ownPrivate),
		"W2":  transaction("READ WRITE", update),
		"W4a": transaction("READ ONLY", page),
	}
}

func transaction(mode string, statements ...string) string {
	all := append([]string{"BEGIN " + mode + ";", enter}, append(statements, "COMMIT;")...)
	for i := range all {
		all[i] = strings.Join(strings.Fields(all[i]), " ") // pgbench ends a statement with its line
	}
	return strings.Join(all, "\n") + "\n"
}

// The roles that run the transactions: freehold's own, and one that bypasses row security.
var pgbenchRoles = map[string]string{"pgbench": "freehold_app", "pgbench without row security": "bench_bypass"}

// addTransactions measures the transaction of a load, if it has one, with row security and without.
func (b *bench) addTransactions(ctx context.Context, all results, load string) error {
	script, known := transactions()[load]
	if !known {
		return nil
	}
	if err := b.prepareTransactions(ctx); err != nil {
		return err
	}
	file := filepath.Join(b.dir, load+".sql")
	script = fmt.Sprintf("\\set n 1 + :client_id + %d * random(0, %d)\n", b.connections, users/b.connections-1) + b.withIDs(script)
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil { //nolint:gosec // nothing in it is secret
		return fmt.Errorf("write a script: %w", err)
	}
	for name, role := range pgbenchRoles {
		found, err := b.transact(ctx, role, file)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, load, err)
		}
		all.add(load, name, found)
		progress("%-4s     %-14s %7.0f/s", load, name, found.rate)
	}
	return nil
}

// prepareTransactions creates the role that bypasses row security and reads the users' sessions, once.
func (b *bench) prepareTransactions(ctx context.Context) error {
	d := b.data["freehold"]
	if d.users[0].Session != "" {
		return nil
	}
	err := b.execute(ctx, "postgres", "freehold", `
		CREATE ROLE bench_bypass LOGIN BYPASSRLS;
		GRANT freehold_app TO bench_bypass;
		GRANT CONNECT ON DATABASE freehold TO bench_bypass`)
	if err != nil {
		return err
	}
	db, err := b.postgres.Open(d.owner, d.database)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, u := range d.users {
		if err := db.QueryRowContext(ctx, `SELECT min(id::text) FROM app.sessions WHERE user_id = $1`, u.UserID).Scan(&u.Session); err != nil {
			return fmt.Errorf("find a session: %w", err)
		}
	}
	return nil
}

// withIDs writes arrays of the users' ids into a script.
func (b *bench) withIDs(script string) string {
	var sessions, ids []string
	for _, u := range b.data["freehold"].users {
		sessions, ids = append(sessions, u.Session), append(ids, u.UserID)
	}
	array := func(ids []string) string { return "('{" + strings.Join(ids, ",") + "}'::uuid[])[:n]" }
	return strings.NewReplacer("SESSION", array(sessions), "USER", array(ids)).Replace(script)
}

var perSecond = regexp.MustCompile(`tps = ([0-9.]+) `)

// transact runs a script as a role.
func (b *bench) transact(ctx context.Context, role, file string) (found sample, err error) {
	before, err := b.postgres.FamilyCPU()
	if err != nil {
		return found, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.postgres.Bin, "pgbench"), "-n", "-M", "prepared", "-c", strconv.Itoa(b.connections),
		"-j", "1", "-T", strconv.Itoa(int(b.span/time.Second)), "-f", file, b.postgres.URL(role, "freehold"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return found, fmt.Errorf("run pgbench: %w\n%s", err, out)
	}
	after, err := b.postgres.FamilyCPU()
	if err != nil {
		return found, err
	}
	match := perSecond.FindSubmatch(out)
	if match == nil {
		return found, fmt.Errorf("run pgbench: it says no tps:\n%s", out)
	}
	if found.rate, err = strconv.ParseFloat(string(match[1]), 64); err != nil {
		return found, err
	}
	found.requests = int(found.rate * b.span.Seconds())
	found.database = (after - before) / time.Duration(max(1, found.requests))
	return found, nil
}
