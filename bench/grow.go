//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"freehold.dev/freehold/bench/chart"
	"freehold.dev/freehold/bench/requests"
)

// sizes are the numbers of accounts, of which almost all are hidden from others. heavy are the numbers of an account's
// sessions and events.
var (
	sizes = []int{1_000, 100_000, 1_000_000}
	heavy = []int{100, 1_000, 10_000}
)

// live is the number of an account's live sessions.
const live = 100

// grow measures freehold with databases of several sizes, and accounts with many rows. It prints tables and draws the curves.
func (b *bench) grow(ctx context.Context, w io.Writer) error {
	v := b.variants[0]
	v.env = append(v.env, "FREEHOLD_ACCOUNT_EVENTS=10000") // else it would delete them meanwhile
	for _, size := range sizes {
		v.name = chart.Thousands(size) + " accounts"
		if err := b.startFreehold(ctx, v, "freehold_"+strconv.Itoa(size)); err != nil {
			return err
		}
		if err := b.populate(ctx, b.servers[len(b.servers)-1], size, true); err != nil {
			return err
		}
	}
	var accountLoads []kind
	for _, k := range kinds {
		if !k.hashes && !k.besides {
			accountLoads = append(accountLoads, k)
		}
	}
	sessions, err := b.burden(ctx, b.servers[0])
	if err != nil {
		return err
	}
	sessionLoads := slices.Concat(accountLoads[:1], pages)

	machine, err := b.machine(ctx)
	if err != nil {
		return err
	}
	p := &printer{w: w}
	p.print("%s. Medians of %d runs of %s, %d connections. 99 %% of the accounts are private (of the 1,000, 94 %%, since a page takes 50 public ones),"+
		" and newer than the public ones.\n\n", machine, b.rounds, b.span, b.connections)
	ofAccounts, err := b.curves(ctx, p, accountLoads, b.servers)
	if err != nil {
		return err
	}
	p.print("Sessions and security events of one account, of which %d sessions are live:\n\n", live)
	ofSessions, err := b.curves(ctx, p, sessionLoads, sessions)
	if err != nil {
		return err
	}
	if p.err != nil {
		return p.err
	}
	drawing := chart.Draw([]chart.Panel{
		{Unit: "ms of CPU per request", Title: "accounts", Xs: sizes, Curves: ofAccounts},
		{Unit: "ms of CPU per request", Title: "sessions and events of one account", Xs: heavy, Curves: ofSessions},
	})
	if err := os.WriteFile(b.drawing, []byte(drawing), 0o644); err != nil { //nolint:gosec // anyone may read it
		return fmt.Errorf("write the curves: %w", err)
	}
	return nil
}

// curves measures loads on servers, prints the table, and returns the processor time per request of each load, in ms.
func (b *bench) curves(ctx context.Context, p *printer, loads []kind, servers []*server) (found []chart.Curve, err error) {
	all, err := b.measureAll(ctx, loads, servers)
	if err != nil {
		return nil, err
	}
	columns := []string{"requests/s · p50 / p99 ms · CPU ms"}
	for _, s := range servers {
		columns = append(columns, s.name)
	}
	p.head(columns...)
	for _, k := range loads {
		row, c := []string{k.title()}, chart.Curve{Name: k.name}
		for _, s := range servers {
			samples := all[k.name][s.name]
			cpu := cpuOf(samples)
			p50 := median(samples, func(s sample) time.Duration { return s.p50 })
			row = append(row, fmt.Sprintf("%.0f · %s / %s · %s", rateOf(samples), milliseconds(p50), milliseconds(p99Of(samples)), milliseconds(cpu)))
			c.Ys = append(c.Ys, cpu.Seconds()*1000)
		}
		p.row(row...)
		found = append(found, c)
	}
	p.print("\n")
	return found, nil
}

// burden gives some accounts of a server many sessions and events. It returns, for each, the server as that account sees it.
func (b *bench) burden(ctx context.Context, s *server) (each []*server, err error) {
	for i, rows := range heavy {
		u := s.data.users[i]
		err := b.execute(ctx, s.data.owner, s.data.database, fmt.Sprintf(`
			INSERT INTO app.sessions (id, user_id, refresh_hash, created_at, idle_expires_at, expires_at, revoked_at)
			SELECT gen_random_uuid(), '%s', sha256(n::text::bytea), now() - n * interval '1 second', now() + interval '1 day', now() + interval '1 day',
			       CASE WHEN n >= %d THEN now() - interval '1 second' END
			  FROM generate_series(1, %d) AS n;
			INSERT INTO app.security_events (user_id, kind, created_at)
			SELECT '%[1]s', 'SIGNED_IN', now() - n * interval '1 second' FROM generate_series(1, %[3]d) AS n`, u.UserID, live, rows-1))
		if err != nil {
			return nil, err
		}
		if err := b.readPages(ctx, s.data, u); err != nil {
			return nil, err
		}
		alone, one := *s.data, *s
		alone.users = make([]*requests.User, users)
		for j := range alone.users {
			alone.users[j] = u
		}
		one.data, one.name = &alone, chart.Thousands(rows)
		each = append(each, &one)
	}
	return each, b.execute(ctx, "postgres", s.data.database, `VACUUM ANALYZE`)
}

// pages are the loads that read a page of an account's rows.
var pages = []kind{
	{name: "sessions", text: "`me { sessions(first: 10) }`", query: func(_ requests.Dialect, users []*requests.User, i int) requests.Query {
		return requests.Freehold{}.Page("sessions", users[i].Sessions)
	}},
	{name: "events", text: "`me { securityEvents(first: 10) }`", query: func(_ requests.Dialect, users []*requests.User, i int) requests.Query {
		return requests.Freehold{}.Page("securityEvents", users[i].Events)
	}},
}

// readPages reads the ids of the first page of a user's live sessions and events.
func (b *bench) readPages(ctx context.Context, d *data, u *requests.User) error {
	db, err := b.postgres.Open(d.owner, d.database)
	if err != nil {
		return err
	}
	defer db.Close()
	for query, ids := range map[string]*[]string{
		`SELECT id, created_at FROM app.sessions WHERE user_id = $1 AND revoked_at IS NULL`: &u.Sessions,
		`SELECT id, created_at FROM app.security_events WHERE user_id = $1`:                 &u.Events,
	} {
		var text string
		page := `SELECT json_agg(id) FROM (` + query + ` ORDER BY created_at DESC, id DESC LIMIT 10) AS page`
		if err := db.QueryRowContext(ctx, page, u.UserID).Scan(&text); err != nil {
			return fmt.Errorf("read a page of %s: %w", u.Username, err)
		}
		if err := json.Unmarshal([]byte(text), ids); err != nil {
			return fmt.Errorf("read a page of %s: %w", u.Username, err)
		}
	}
	return nil
}
