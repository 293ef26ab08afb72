package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// MaxPage is the most rows that a page has.
const MaxPage = 100

// Place is a place in a list, newest first.
type Place struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// The places beyond either end of a list.
var (
	beforeAll = Place{CreatedAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	afterAll  = Place{CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}
)

// newer returns the place right before p in a list. No row lies between the two.
func (p Place) newer() Place {
	for i := range slices.Backward(p.ID[:]) {
		if p.ID[i]++; p.ID[i] != 0 {
			return p
		}
	}
	p.CreatedAt = p.CreatedAt.Add(time.Microsecond) // which is how exactly PostgreSQL stores a time
	return p
}

// older returns the place right after p in a list. No row lies between the two.
func (p Place) older() Place {
	for i := range slices.Backward(p.ID[:]) {
		if p.ID[i]--; p.ID[i] != 0xff {
			return p
		}
	}
	p.CreatedAt = p.CreatedAt.Add(-time.Microsecond)
	return p
}

// Range asks for a page: of the rows between two places, nil meaning the ends of the list, the first Size rows or, with
// FromEnd, the last. Size is 1 to MaxPage.
type Range struct {
	After, Before *Place
	Size          int
	FromEnd       bool
}

// Page is a page of the rows that a viewer sees, newest first, and whether the viewer sees any before and after it.
type Page[T any] struct {
	Rows       []T
	MoreBefore bool
	MoreAfter  bool
}

// Listing describes the table of a List. The texts are SQL and must be constants.
//
// A page reads none of the rows that its viewer does not see, however many there are. That takes an index:
//
//	(visibility, created_at, id)           for FindPage
//	(user_id, visibility, created_at, id)  for FindPageOf, and for FindPage unless user_id is unique
//	(user_id, created_at, id)              for both, with OwnerOnly
//
// If a Where hides more than a few rows, the index must be partial, with the same condition in its own WHERE.
type Listing struct {
	Table   string // has the columns id, user_id, created_at and, unless OwnerOnly, visibility
	Columns string // of a SELECT; id and created_at are among them, under these names
	Where   string // a condition that the rows of the list meet; "" for none
	// OwnerOnly says that owners see their rows and nobody else does. Otherwise everyone sees rows that are PUBLIC, members
	// see those for MEMBERS, and owners all of theirs.
	OwnerOnly bool
}

// List finds pages of a table's rows, the newest first.
//
// The WHERE of its statements names what the viewer sees, only so that PostgreSQL can use an index. The row policies still
// check each row. If a policy admits further viewers, a List does not find their rows: write statements for them.
type List[T any] struct {
	table     string
	ownerOnly bool
	public    statements             // of all rows, for anonymous viewers
	seen      statements             // of all rows, for the member $6
	of        [owners + 1]statements // of the rows of the user $6
}

// audience is who asks for the rows of a user.
type audience int

const (
	anonymous audience = iota
	members
	owners
)

// statements select the rows between the places ($1, $2) and ($3, $4), at most $5.
type statements struct {
	newest string // the newest of them, the newest first
	oldest string // the oldest of them, the oldest first
}

// NewList composes the statements of a list. Call it when the package starts.
func NewList[T any](l Listing) *List[T] {
	const (
		public  = `visibility = 'PUBLIC'`
		members = `visibility = 'MEMBERS'`
		private = `visibility = 'PRIVATE'`
		of      = `user_id = $6 AND `
	)
	list := &List[T]{table: l.Table, ownerOnly: l.OwnerOnly}
	if l.OwnerOnly {
		rows := l.statements(`user_id = $6`)
		list.of = [...]statements{rows, rows, rows}
		return list
	}
	list.public = l.statements(public)
	list.seen = l.statements(public, members, of+private)
	list.of = [...]statements{l.statements(of + public), l.statements(of+public, of+members), l.statements(of+public, of+members, of+private)}
	return list
}

// statements selects the rows that meet one of the conditions. No row may meet two.
func (l Listing) statements(conditions ...string) statements {
	return statements{
		newest: l.statement(conditions, `created_at DESC, id DESC`),
		oldest: l.statement(conditions, `created_at, id`),
	}
}

// statement has a branch for each condition. Each branch reads its rows from an index in the order of the page, and stops
// at $5. The constant LIMIT changes no result. It tells PostgreSQL how few rows are asked for when it plans without knowing
// $5: otherwise it expects a tenth of the table, and plans the statement anew each time.
func (l Listing) statement(conditions []string, order string) string {
	end := `
	 ORDER BY ` + order + `
	 LIMIT `
	branches := make([]string, len(conditions))
	for i, condition := range conditions {
		if l.Where != "" {
			condition += ` AND ` + l.Where
		}
		branches[i] = `
	SELECT * FROM (
	SELECT ` + l.Columns + `
	  FROM ` + l.Table + `
	 WHERE ` + condition + `
	   AND (created_at, id) < ($1, $2) AND (created_at, id) > ($3, $4)` + end + strconv.Itoa(MaxPage+1) + `) AS nearest
	 LIMIT $5`
	}
	if len(branches) == 1 {
		return branches[0]
	}
	return `(` + strings.Join(branches, `) UNION ALL (`) + `)` + end + `$5`
}

// FindPage returns a page of all rows that the viewer sees.
func (l *List[T]) FindPage(ctx context.Context, d *DB, viewer auth.Viewer, r Range) (*Page[T], error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Page[T], error) {
		return l.find(ctx, tx.Select, tx.Viewer, nil, r)
	})
}

// FindPageOf returns a page of the rows of one owner that the viewer sees.
func (l *List[T]) FindPageOf(ctx context.Context, d *DB, viewer auth.Viewer, owner uuid.UUID, r Range) (*Page[T], error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Page[T], error) {
		return l.find(ctx, tx.Select, tx.Viewer, &owner, r)
	})
}

// selects runs a statement and reads all rows into the slice dest points to.
type selects func(ctx context.Context, dest any, query string, args ...any) error

// find asks for one row more than the page holds, which tells whether there is more on the side it was cut from. On
// the other side only a given place can leave anything out.
func (l *List[T]) find(ctx context.Context, run selects, viewer auth.Viewer, owner *uuid.UUID, r Range) (*Page[T], error) {
	if r.Size < 1 || r.Size > MaxPage {
		return nil, fmt.Errorf("list %s: a page of %d rows, want 1 to %d", l.table, r.Size, MaxPage)
	}
	s, args := l.choose(viewer, owner)
	rows := func(query string, after, before Place, limit int) (found []T, err error) {
		err = run(ctx, &found, query, append([]any{after.CreatedAt, after.ID, before.CreatedAt, before.ID, limit}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", l.table, err)
		}
		return found, nil
	}
	after, before, query := beforeAll, afterAll, s.newest
	if r.After != nil {
		after = *r.After
	}
	if r.Before != nil {
		before = *r.Before
	}
	if r.FromEnd {
		query = s.oldest
	}
	found, err := rows(query, after, before, r.Size+1)
	if err != nil {
		return nil, err
	}
	p, more := &Page[T]{Rows: found[:min(len(found), r.Size)]}, len(found) > r.Size
	if r.FromEnd {
		slices.Reverse(p.Rows)
		p.MoreBefore = more
	} else {
		p.MoreAfter = more
	}
	if r.After != nil && !p.MoreBefore { // is there a row at the place, or before it?
		found, err := rows(s.oldest, beforeAll, after.older(), 1)
		if err != nil {
			return nil, err
		}
		p.MoreBefore = len(found) > 0
	}
	if r.Before != nil && !p.MoreAfter {
		found, err := rows(s.newest, before.newer(), afterAll, 1)
		if err != nil {
			return nil, err
		}
		p.MoreAfter = len(found) > 0
	}
	return p, nil
}

// choose returns the statements for a viewer, and what they take after $5. Without an owner they are those of all rows.
func (l *List[T]) choose(viewer auth.Viewer, owner *uuid.UUID) (statements, []any) {
	if owner == nil && l.ownerOnly {
		owner = &viewer.UserID
	}
	switch {
	case owner == nil && viewer.IsMember():
		return l.seen, []any{viewer.UserID}
	case owner == nil:
		return l.public, nil
	case viewer.Is(*owner):
		return l.of[owners], []any{*owner}
	case viewer.IsMember():
		return l.of[members], []any{*owner}
	default:
		return l.of[anonymous], []any{*owner}
	}
}
