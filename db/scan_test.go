package db_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

type embedded struct {
	ID uuid.UUID `db:"id"`
}

type everything struct {
	embedded

	Name     string
	Nickname *string
	Kind     db.Purpose
	Count    int
	Big      *int64
	Small    int16
	Ratio    float64
	Is       bool
	May      *bool
	At       time.Time
	Born     *time.Time
	Raw      []byte
	Parent   uuid.NullUUID
	Mother   *uuid.UUID
	Tags     pq.StringArray
	Note     sql.NullString
}

const full = `'11111111-2222-3333-4444-555555555555'::uuid AS id, 'ann'::text AS name, 'a'::text AS nickname, 'VERIFY_EMAIL'::text AS kind, 7 AS count,
	9::bigint AS big, -3::smallint AS small, 0.5::float8 AS ratio, true AS is, false AS may, '2026-01-02 03:04:05.678901+00'::timestamptz AS at,
	'1970-12-31'::date AS born, '\x00ff'::bytea AS raw, '11111111-2222-3333-4444-555555555556'::uuid AS parent,
	'11111111-2222-3333-4444-555555555557'::uuid AS mother, '{a,"b c"}'::text[] AS tags, 'x'::text AS note`

const empty = `'11111111-2222-3333-4444-555555555558'::uuid AS id, ''::text AS name, NULL::text AS nickname, ''::text AS kind, 0 AS count,
	NULL::bigint AS big, 0::smallint AS small, 0::float8 AS ratio, false AS is, NULL::boolean AS may, '2026-01-02'::timestamptz AS at,
	NULL::date AS born, NULL::bytea AS raw, NULL::uuid AS parent, NULL::uuid AS mother, NULL::text[] AS tags, NULL::text AS note`

// Reads scan the same values as sqlx in a transaction, and fail in the same cases.
func TestReadsScanAsTransactionsDo(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	for _, c := range []struct {
		dest  any // a pointer to the destination
		query string
	}{
		{new(everything), `SELECT ` + full},
		{new(everything), `SELECT ` + empty},
		{new([]everything), `SELECT ` + full + ` UNION ALL SELECT ` + empty + ` UNION ALL SELECT ` + full},
		{new([]everything), `SELECT ` + full + ` LIMIT 0`},
		{new(everything), `SELECT ` + full + ` LIMIT 0`},
		{new(everything), `SELECT 1 AS unknown`},
		{new(everything), `SELECT NULL::text AS name`},
		{new(everything), `SELECT NULL::boolean AS is`},
		{new(everything), `SELECT NULL::integer AS count`},
		{new(everything), `SELECT NULL::timestamptz AS at`},
		{new(everything), `SELECT 99999 AS small`},
		{new(everything), `SELECT 'x'::text AS count`},
		{new(everything), `SELECT 'x'::text AS id`},
		{new(everything), `SELECT 1 / (random() * 0)::integer AS count`},
		{new([]everything), `SELECT 1 / (3 - n) AS count FROM generate_series(1, 5) n`},
		{new(int), `SELECT 7`},
		{new(int), `SELECT 7, 8`},
		{new(int), `SELECT NULL::integer`},
		{new([]int), `SELECT n FROM generate_series(1, 100) n`},
		{new(string), `SELECT 'x'::text`},
		{new(string), `SELECT '11111111-2222-3333-4444-555555555555'::uuid`},
		{new([]string), `SELECT chr(64 + n) FROM generate_series(1, 3) n`},
		{new(*string), `SELECT NULL::text`},
		{new(uuid.UUID), `SELECT '11111111-2222-3333-4444-555555555555'::uuid`},
		{new(uuid.UUID), `SELECT NULL::uuid`},
		{new([]uuid.UUID), `SELECT gen_random_uuid() WHERE false`},
		{new(time.Time), `SELECT '2026-01-02 03:04:05+00'::timestamptz`},
		{new(*time.Time), `SELECT '2026-01-02 03:04:05+00'::timestamptz`},
		{new(bool), `SELECT true`},
		{new(pq.StringArray), `SELECT '{a,b}'::text[]`},
	} {
		scan := func(run func(context.Context, auth.Viewer, func(context.Context, *db.Tx) error) error) (any, error) {
			dest := reflect.New(reflect.TypeOf(c.dest).Elem())
			err := run(t.Context(), auth.Viewer{}, func(ctx context.Context, tx *db.Tx) error {
				_, isBytes := dest.Interface().(*pq.StringArray)
				if dest.Elem().Kind() == reflect.Slice && !isBytes {
					return tx.Select(ctx, dest.Interface(), c.query)
				}
				return tx.Get(ctx, dest.Interface(), c.query)
			})
			return dest.Elem().Interface(), err
		}
		want, wantErr := scan(d.Write)
		got, err := scan(d.Read)
		if (err == nil) != (wantErr == nil) || errors.Is(err, sql.ErrNoRows) != errors.Is(wantErr, sql.ErrNoRows) {
			t.Errorf("%.60s: the error is %v, and sqlx's %v", c.query, err, wantErr)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{})); err == nil && diff != "" {
			t.Errorf("%.60s: (-sqlx +read)\n%s", c.query, diff)
		}
	}
}

func BenchmarkReads(b *testing.B) {
	d, err := db.Open(db.Options{URL: dbtest.New(b).App})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for name, run := range map[string]func(context.Context, auth.Viewer, func(context.Context, *db.Tx) error) error{"reads": d.Read, "transactions": d.Write} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var found []everything
				err := run(b.Context(), auth.Viewer{}, func(ctx context.Context, tx *db.Tx) error {
					return tx.Select(ctx, &found, `SELECT `+full+` FROM generate_series(1, 50)`)
				})
				if err != nil || len(found) != 50 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}
