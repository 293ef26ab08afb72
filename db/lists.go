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

// MaxPage is the maximum number of rows of a page.
const MaxPage = 100

// Place is a position in a list, whose newest row comes first.
type Place struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// The places before the first and after the last row of any list.
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
	p.CreatedAt = p.CreatedAt.Add(time.Microsecond) // the precision of timestamptz
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

// Range describes a page: of the rows between two places, the first Size rows or, with FromEnd, the last. A nil place is the end of
// the list. Size is 1 to MaxPage.
type Range struct {
	After, Before *Place
	Size          int
	FromEnd       bool
}

// Page is a page of the rows that a viewer sees, newest first. MoreBefore and MoreAfter say whether the viewer sees rows outside it.
type Page[T any] struct {
	Rows       []T
	MoreBefore bool
	MoreAfter  bool
}

// Listing describes the table of a List. Its strings are SQL and must be constants.
//
// Reading a page takes no longer because of rows that its viewer does not see. That requires an index:
//
//	(visibility, created_at, id)           for FindPage
//	(user_id, visibility, created_at, id)  for FindPageOf, and for FindPage unless user_id is unique
//	(user_id, created_at, id)              for both, with OwnerOnly
//	(parent, visibility, created_at, id)   for FindPageIn; with OwnerOnly or Related, without visibility
//
// The ids of Shared are read for each page. So the number of rows that can be shared with a user needs a limit.
//
// If Where excludes more than a few rows, the index must be partial, with the same condition in its WHERE.
type Listing struct {
	Table   string // with the columns id, user_id (unless Related), created_at and (unless OwnerOnly or Related) visibility
	Columns string // of the SELECT; they include id and created_at
	Where   string // a condition for the rows of the list; "" for none
	// OwnerOnly says that only owners see their rows. Otherwise every viewer sees PUBLIC rows, members also see MEMBERS rows,
	// and owners see all of theirs.
	OwnerOnly bool
	// Shared is a query of the ids of the rows that are shared with the viewer, such as
	// SELECT notebook_id FROM app.notebook_members WHERE user_id = app.viewer_id(). It is "" if the rows have no relations.
	Shared string
	// Parent is the column with the id of the row that a list is of, such as notebook_id; "" if there is none. Rows have the owner
	// of their parent. Such a list has only FindPageIn.
	Parent string
	// Related is the condition under which viewers besides the owner see all rows of the parent $6, such as
	// app.notebook_relation($6) IS NOT NULL. It is "" if only the owner and the visibility decide.
	Related string
}

// List finds pages of a table's rows, newest first.
//
// The WHERE clauses of its statements repeat the row policies, only so that PostgreSQL can use an index. The policies still check
// each row. If a policy admits viewers by their scopes, a List does not find rows for them: write your own statements.
type List[T any] struct {
	table     string
	ownerOnly bool
	hasParent bool
	isRelated bool
	public    statements             // of all rows, for anonymous viewers
	seen      statements             // of all rows, for the viewer $6
	of        [owners + 1]statements // of the rows of the user $6
}

// audience is the kind of viewer that asks for the rows of a user.
type audience int

const (
	anonymous audience = iota
	members
	owners
)

// statements select at most $5 of the rows between the places ($1, $2) and ($3, $4).
type statements struct {
	newest string // selects the newest rows, newest first
	oldest string // selects the oldest rows, oldest first
}

// NewList returns a list. Call it in the initialisation of a package variable, since it composes the SQL.
func NewList[T any](l Listing) *List[T] {
	list := &List[T]{table: l.Table, ownerOnly: l.OwnerOnly, hasParent: l.Parent != "", isRelated: l.Related != ""}
	switch {
	case list.isRelated:
		rows := l.Parent + ` = $6`
		related := l.statements(rows + ` AND ` + l.Related)
		list.of = [...]statements{related, related, l.statements(rows)}
	case l.OwnerOnly:
		rows := l.statements(l.of())
		list.seen, list.of = rows, [...]statements{rows, rows, rows}
		if l.Shared != "" {
			list.seen = l.statements(l.of(), l.shared(`user_id <> $6`))
			list.of[members] = l.statements(l.shared(l.of()))
		}
	default:
		list.public, list.seen, list.of = l.byVisibility()
	}
	return list
}

// of returns the condition for the rows of the user $6, and with a parent, of the parent $7.
func (l Listing) of() string {
	if l.Parent != "" {
		return `user_id = $6 AND ` + l.Parent + ` = $7`
	}
	return `user_id = $6`
}

// shared returns the condition for those of some rows that are shared with the viewer. PostgreSQL computes an array before it reads
// rows, whatever the plan.
func (l Listing) shared(rows string) string { return rows + ` AND id = ANY (ARRAY(` + l.Shared + `))` }

// byVisibility returns the statements of a List whose rows have a visibility.
func (l Listing) byVisibility() (public, seen statements, of [owners + 1]statements) {
	const (
		isPublic  = `visibility = 'PUBLIC'`
		isMembers = `visibility = 'MEMBERS'`
		isPrivate = `visibility = 'PRIVATE'`
	)
	and := l.of() + ` AND `
	all, visible := []string{isPublic, isMembers, and + isPrivate}, []string{and + isPublic, and + isMembers}
	of[anonymous], of[owners] = l.statements(and+isPublic), l.statements(and+isPublic, and+isMembers, and+isPrivate)
	if l.Shared != "" {
		all, visible = append(all, l.shared(isPrivate+` AND user_id <> $6`)), append(visible, l.shared(and+isPrivate))
	}
	of[members] = l.statements(visible...)
	return l.statements(isPublic), l.statements(all...), of
}

// statements returns the statements for rows that meet one of the conditions. No row may meet two.
func (l Listing) statements(conditions ...string) statements {
	return statements{
		newest: l.statement(conditions, `created_at DESC, id DESC`),
		oldest: l.statement(conditions, `created_at, id`),
	}
}

// statement has a branch for each condition. Each branch reads its rows from an index in the order of the page, and stops after
// $5 rows. The constant LIMIT does not change the result. It tells PostgreSQL's generic plan how few rows to expect. Without it,
// PostgreSQL expects a tenth of the table and plans the statement again each time.
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

// FindPageIn returns a page of the rows of a parent that the viewer sees. The owner is that of the parent.
func (l *List[T]) FindPageIn(ctx context.Context, d *DB, viewer auth.Viewer, owner, parent uuid.UUID, r Range) (*Page[T], error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Page[T], error) {
		return l.find(ctx, tx.Select, tx.Viewer, &owner, r, parent)
	})
}

// selects runs a query and scans all rows into the slice that dest points to.
type selects func(ctx context.Context, dest any, query string, args ...any) error

// find returns a page of the rows of an owner, or of all rows.
func (l *List[T]) find(ctx context.Context, run selects, viewer auth.Viewer, owner *uuid.UUID, r Range, parent ...any) (*Page[T], error) {
	if l.hasParent != (len(parent) > 0) {
		return nil, fmt.Errorf("list %s: use FindPageIn if the Listing has a Parent, and only then", l.table)
	}
	s, args := l.choose(viewer, owner)
	if l.isRelated {
		args = nil
	}
	return findPage[T](ctx, run, l.table, s, append(args, parent...), r)
}

// findPage finds a page with statements, and their arguments after $5. It selects one row more than the page has, which shows whether
// there are more rows on that side. On the other side, there can be more rows only if the range has a place there.
func findPage[T any](ctx context.Context, run selects, table string, s statements, args []any, r Range) (*Page[T], error) {
	if r.Size < 1 || r.Size > MaxPage {
		return nil, fmt.Errorf("list %s: a page of %d rows; want 1 to %d", table, r.Size, MaxPage)
	}
	rows := func(query string, after, before Place, limit int) (found []T, err error) {
		err = run(ctx, &found, query, append([]any{after.CreatedAt, after.ID, before.CreatedAt, before.ID, limit}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", table, err)
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
	if r.After != nil && !p.MoreBefore { // is there a row at the place or before it?
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

// choose returns the statements for a viewer, and their arguments after $5. Without an owner, they select from all rows.
func (l *List[T]) choose(viewer auth.Viewer, owner *uuid.UUID) (statements, []any) {
	switch {
	case owner == nil && (l.ownerOnly || viewer.IsMember()):
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
