package db_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

func migrationOf(statement string) db.MigrationSet {
	return db.MigrationSet{Name: "slow", Files: fstest.MapFS{"0001_slow.sql": {Data: []byte("-- +goose Up\n" + statement + ";\n")}}}
}

// R28: a migration has no deadline, but it ends when the database does not answer.
func TestMigrationEndsInSilence(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(*dbtest.Proxy){
		"from the start":  (*dbtest.Proxy).SilenceAll,
		"at the lock":     func(p *dbtest.Proxy) { p.SilenceAfter("pg_try_advisory", 0, 9) },
		"at a statement":  func(p *dbtest.Proxy) { p.SilenceAfter("pg_sleep", 0, 9) },
		"at its COMMIT":   func(p *dbtest.Proxy) { p.SilenceCommits(9, true) },
		"after the first": func(p *dbtest.Proxy) { p.SilenceAfter("pg_try_advisory", 1, 9) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			p := dbtest.NewProxy(t, d.Owner)
			silence(p)
			begun := time.Now()
			err := db.Migrate(t.Context(), p.URL(d.Owner), migrationOf(`SELECT pg_sleep(0.1)`))
			if took := time.Since(begun); err == nil || took > 30*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
		})
	}
}

// R28: a migration may run for longer than the database may take to answer other statements.
func TestLongMigrationIsLetBe(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := db.Migrate(t.Context(), dbtest.NewProxy(t, d.Owner).URL(d.Owner), migrationOf(`SELECT pg_sleep(9)`)); err != nil {
		t.Error(err)
	}
}

// R28: an interrupted `freehold migrate` does not wait for a database that does not answer.
func TestMigrationEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	p := dbtest.NewProxy(t, d.Owner)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, func() {
		p.SilenceAll()
		cancel()
	})
	begun := time.Now()
	err := db.Migrate(ctx, p.URL(d.Owner), migrationOf(`SELECT pg_sleep(60)`))
	if took := time.Since(begun); err == nil || took > 4*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// A transaction states whether it writes, since servers and roles may have another default.
func TestTransactionsStateWhatTheyAre(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	name := server.Query(t, `SELECT current_database()`)[0]
	for _, inherited := range []string{"off", "on"} {
		server.Query(t, `ALTER DATABASE `+name+` SET default_transaction_read_only = `+inherited)
		d := open(t, db.Options{URL: server.App})
		ann := member(t, d, "ann-"+inherited, "PRIVATE") // a write
		var state string
		if err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.Get(ctx, &state, `SHOW transaction_read_only`) }); err != nil || state != "off" {
			t.Errorf("with the default %s, a transaction for writing has transaction_read_only %q (%v)", inherited, state, err)
		}
		if _, err := d.UpdateProfile(t.Context(), ann, uuid.Nil, db.ProfileFields{Bio: text("new")}); err != nil {
			t.Errorf("with the default %s, one write: %v", inherited, err)
		}
		for _, viewer := range []auth.Viewer{ann, {}} {
			if err := d.Read(t.Context(), viewer, func(ctx context.Context, tx *db.Tx) error { return tx.Get(ctx, &state, `SHOW transaction_read_only`) }); err != nil || state != "on" {
				t.Errorf("with the default %s, a read has transaction_read_only %q (%v)", inherited, state, err)
			}
		}
	}
}

// D15: after a pooler has mixed up prepared statements, the query is retried on a new connection and never returns a wrong answer.
func TestLostStatementsAreNoAnswer(t *testing.T) {
	t.Parallel()
	lose := map[string]string{
		"26000": `DEALLOCATE ALL`,
		"42P05": `DO $$ BEGIN FOR i IN 1..9 LOOP BEGIN EXECUTE format('PREPARE %I AS SELECT 1', i); EXCEPTION WHEN duplicate_prepared_statement THEN END; END LOOP; END $$`,
		"08P01": `DO $$ BEGIN DEALLOCATE ALL; FOR i IN 1..9 LOOP EXECUTE format('PREPARE %I AS SELECT $1::int, $2::int', i); END LOOP; END $$`,
		"text":  ``,
	}
	for name, statement := range lose {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, db.Options{URL: dbtest.New(t).App, MaxConnections: 1})
			count := func(times int) (attempts int, err error) {
				query := fmt.Sprintf(`SELECT count(*) + %d - %d FROM app.profiles WHERE username = $1`, times, times)
				err = d.Write(t.Context(), auth.Viewer{}, func(ctx context.Context, tx *db.Tx) error {
					attempts++
					var n int
					if name != "42P05" { // which requires an earlier statement
						if err := tx.Get(ctx, &n, query, "nobody"); err != nil {
							return err
						}
					}
					var args []any
					if attempts > times {
						args = []any{"nobody"}
					} else if statement != "" {
						var rows []string
						if err := tx.Select(ctx, &rows, statement); err != nil {
							return err
						}
						args = []any{"nobody"}
					}
					return tx.Get(ctx, &n, query, args...)
				})
				return attempts, err
			}
			if attempts, err := count(1); err != nil || attempts != 2 {
				t.Errorf("one loss: %d attempts, %v", attempts, err)
			}
			if attempts, err := count(99); !fault.Is(err, fault.Unavailable) || attempts < 2 {
				t.Errorf("loss after loss: %d attempts, %v", attempts, err)
			}
			if attempts, err := count(0); err != nil || attempts != 1 {
				t.Errorf("afterwards: %d attempts, %v", attempts, err)
			}
		})
	}
}

// D15: a database that does not store UTF-8 is an error before the first request or migration.
func TestDatabaseOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	d := dbtest.NewEmpty(t, `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	expect := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "server_encoding is LATIN1, but freehold needs UTF8") {
			t.Errorf("got %v", err)
		}
	}
	expect(db.Migrate(t.Context(), d.Owner))
	expect(open(t, db.Options{URL: d.App}).CheckServer(t.Context()))
	if n := d.Query(t, `SELECT count(*) FROM pg_namespace WHERE nspname IN ('app', 'migrations')`)[0]; n != "0" {
		t.Error("Migrate has created a schema")
	}
}

// D15: a pooler that loses prepared statements is an error before the first request or migration.
func TestPoolerThatLosesStatements(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	p := dbtest.NewPooler(t, d.App)
	for name, err := range map[string]error{
		"migrate": db.Migrate(t.Context(), p.URL(d.Owner)),
		"start":   open(t, db.Options{URL: p.URL(d.App)}).CheckServer(t.Context()),
		"again":   open(t, db.Options{URL: p.URL(d.App)}).CheckServer(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "max_prepared_statements") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := open(t, db.Options{URL: d.App}).CheckServer(t.Context()); err != nil {
		t.Errorf("without a pooler: %v", err)
	}
}
