package db_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"pgregory.net/rapid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// item is a row of each table that has a list.
type item struct {
	ID         uuid.UUID `json:"id"`
	Owner      uuid.UUID `json:"owner"`
	Visibility string    `json:"visibility"`
	At         time.Time `json:"at"`
	State      string    `json:"state"` // of a session
	Folder     uuid.UUID `json:"folder"`
	First      bool      `json:"first"`  // whether it is the first item of its owner, and so the profile
	Reader     uuid.UUID `json:"reader"` // a user with whom the item is shared
}

func (i item) place() db.Place { return db.Place{CreatedAt: i.At, ID: i.ID} }

// isIn reports whether the viewer sees the item in a list. The folders are shared with a reader.
func (i item) isIn(c listed, viewer auth.Viewer, folderReader uuid.UUID) bool {
	switch {
	case c.owner != nil && *c.owner != i.Owner:
		return false
	case len(c.parent) > 0 && c.parent[0] != i.Folder:
		return false
	case c.table == "sessions":
		return viewer.Is(i.Owner) && i.State == "live"
	case c.table == "security_events", c.table == "drafts":
		return viewer.Is(i.Owner)
	case c.table == "profiles" && !i.First:
		return false
	case c.table == "letters":
		return viewer.Is(i.Owner) || viewer.Is(i.Reader)
	case c.table == "remarks":
		return viewer.Is(i.Owner) || viewer.Is(folderReader)
	case c.table == "bookmarks" && viewer.Is(i.Reader):
		return true
	default:
		return viewer.Is(i.Owner) || i.Visibility == "PUBLIC" || i.Visibility == "MEMBERS" && viewer.IsMember()
	}
}

// compare orders places as a list does, the newest first.
func compare(a, b db.Place) int {
	if order := b.CreatedAt.Compare(a.CreatedAt); order != 0 {
		return order
	}
	return bytes.Compare(b.ID[:], a.ID[:])
}

// expected computes the page of a list from all rows.
func expected(items []item, c listed, viewer auth.Viewer, folderReader uuid.UUID, r db.Range) *db.Page[db.Place] {
	p := &db.Page[db.Place]{}
	for _, i := range items {
		if !i.isIn(c, viewer, folderReader) {
			continue
		}
		isBefore := r.After != nil && compare(i.place(), *r.After) <= 0
		isAfter := r.Before != nil && compare(i.place(), *r.Before) >= 0
		p.MoreBefore, p.MoreAfter = p.MoreBefore || isBefore, p.MoreAfter || isAfter
		if !isBefore && !isAfter {
			p.Rows = append(p.Rows, i.place())
		}
	}
	slices.SortFunc(p.Rows, compare)
	if cut := len(p.Rows) - r.Size; cut > 0 && r.FromEnd {
		p.Rows, p.MoreBefore = p.Rows[cut:], true
	} else if cut > 0 {
		p.Rows, p.MoreAfter = p.Rows[:r.Size], true
	}
	return p
}

// stored fills the tables with the items $1. The folders are shared with the user $2.
const stored = `
	WITH items AS (
	  SELECT i.* FROM jsonb_to_recordset($1) AS i (id uuid, owner uuid, folder uuid, visibility text, at timestamptz, state text, first boolean, reader uuid)
	), profiles AS (
	  INSERT INTO app.profiles (id, user_id, username, username_key, visibility, created_at) SELECT id, owner, id, id, visibility, at FROM items WHERE first
	), sessions AS (
	  INSERT INTO app.sessions (id, user_id, refresh_hash, created_at, idle_expires_at, expires_at, revoked_at)
	  SELECT id, owner, '', at, now() + CASE state WHEN 'idle' THEN interval '-1 hour' ELSE interval '1 hour' END,
	         now() + CASE state WHEN 'expired' THEN interval '-1 hour' ELSE interval '1 hour' END, CASE state WHEN 'revoked' THEN now() END FROM items
	), events AS (
	  INSERT INTO app.security_events (id, user_id, kind, created_at) SELECT id, owner, 'SIGNED_IN', at FROM items
	), drafts AS (
	  INSERT INTO app.drafts (id, user_id, folder_id, created_at) SELECT id, owner, folder, at FROM items
	), letters AS (
	  INSERT INTO app.letters (id, user_id, created_at) SELECT id, owner, at FROM items
	), remarks AS (
	  INSERT INTO app.remarks (id, folder_id, created_at) SELECT id, folder, at FROM items
	), folders AS (
	  INSERT INTO app.folders (id, user_id) SELECT DISTINCT folder, owner FROM items WHERE folder <> '00000000-0000-0000-0000-000000000000'
	), readers AS (
	  INSERT INTO app.readers (user_id, item_id) SELECT reader, id FROM items UNION SELECT $2, folder FROM items WHERE folder <> '00000000-0000-0000-0000-000000000000'
	)
	INSERT INTO app.bookmarks (id, user_id, folder_id, visibility, created_at) SELECT id, owner, folder, visibility, at FROM items`

// The pages of every list equal pages computed from all rows: for every viewer, at every place, in both directions, with rows of the
// same time and adjacent ids.
func TestPagesAreThoseOfAllRowsSortedAndCut(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t, bookmarks)
	admin, err := sqlx.Open("postgres", server.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	admin.SetMaxOpenConns(1)
	pool := openApp(t, server)
	if _, err := admin.ExecContext(t.Context(), `SET session_replication_role = replica`); err != nil { // the items have no users
		t.Fatal(err)
	}
	least, most := uuid.UUID{}, uuid.Max
	ids := []uuid.UUID{least, most, {15: 1}, {15: 0xff}, {14: 1}, {14: 1, 15: 1}, {0: 1}, {0: 1, 15: 1}}
	for _, i := range []int{15, 14, 0} {
		almost := most
		almost[i]--
		ids = append(ids, almost)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	times := []time.Time{start, start.Add(time.Microsecond), start.Add(2 * time.Microsecond), start.Add(time.Hour)}
	users := []uuid.UUID{user(1), user(2), user(3)}
	rapid.Check(t, func(rt *rapid.T) {
		var items []item
		owned := map[uuid.UUID]bool{}
		for _, id := range rapid.SliceOfDistinct(rapid.SampledFrom(ids), rapid.ID[uuid.UUID]).Draw(rt, "ids") {
			i := item{
				ID: id, Owner: rapid.SampledFrom(users).Draw(rt, "owner"), Visibility: rapid.SampledFrom([]string{"PUBLIC", "MEMBERS", "PRIVATE"}).Draw(rt, "visibility"),
				At: rapid.SampledFrom(times).Draw(rt, "time"), State: rapid.SampledFrom([]string{"live", "idle", "expired", "revoked"}).Draw(rt, "state"),
			}
			if i.Folder = uuid.Nil; rapid.Bool().Draw(rt, "in the folder") {
				i.Folder = folderOf(i.Owner)
			}
			i.Reader = rapid.SampledFrom(append(users, uuid.Nil)).Draw(rt, "reader")
			i.First, owned[i.Owner] = !owned[i.Owner], true
			items = append(items, i)
		}
		folderReader := rapid.SampledFrom(users).Draw(rt, "reader of the folders")
		text, err := json.Marshal(items)
		if err != nil {
			rt.Fatal(err)
		}
		admin.MustExec(`DELETE FROM app.profiles; DELETE FROM app.sessions; DELETE FROM app.security_events; DELETE FROM app.bookmarks; DELETE FROM app.drafts;
			DELETE FROM app.letters; DELETE FROM app.remarks; DELETE FROM app.folders; DELETE FROM app.readers`)
		if items != nil {
			admin.MustExec(stored, string(text), folderReader)
		}
		place := func(name string) *db.Place {
			if rapid.Bool().Draw(rt, "no "+name) {
				return nil
			}
			return &db.Place{CreatedAt: rapid.SampledFrom(times).Draw(rt, name), ID: rapid.SampledFrom(ids).Draw(rt, name)}
		}
		viewer := auth.Viewer{UserID: rapid.SampledFrom(append(users, uuid.Nil)).Draw(rt, "viewer")}
		tx := enter(t, pool, viewer)
		defer tx.Rollback()
		for _, c := range lists(rapid.SampledFrom(users).Draw(rt, "owner of the list")) {
			for range 3 {
				r := db.Range{After: place("after"), Before: place("before"), Size: rapid.IntRange(1, 6).Draw(rt, "size"), FromEnd: rapid.Bool().Draw(rt, "from end")}
				got, err := c.by(t.Context(), tx.SelectContext, viewer, r)
				if err != nil {
					rt.Fatal(err)
				}
				if d := cmp.Diff(expected(items, c, viewer, folderReader, r), got, cmpopts.EquateEmpty()); d != "" {
					rt.Fatalf("%s of %v for %v, %+v (-want +got):\n%s", c.table, c.owner, viewer.UserID, r, d)
				}
			}
		}
	})
}
