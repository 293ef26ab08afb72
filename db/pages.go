package db

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

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

// Range asks for a page: of what lies between two places, nil meaning the ends of the list, the first Size rows or, with
// FromEnd, the last.
type Range struct {
	After, Before *Place
	Size          int
	FromEnd       bool
}

// Page is a page of the rows that a viewer sees, newest first, and whether he sees any before and after it.
type Page[T any] struct {
	Rows       []T
	MoreBefore bool
	MoreAfter  bool
}

// list is the queries of a list. What a list has to know besides, such as whose rows it has, follows after the numbers
// that are named here.
type list struct {
	newest string // the rows between the places ($1, $2) and ($3, $4), newest first, at most $5
	oldest string // the same rows, oldest first
	before string // whether there is a row at the place ($1, $2) or before it
	after  string // whether there is a row at the place ($1, $2) or after it
}

// findPage asks for one row more than the page holds, which tells whether there is more on the side it was cut from; on
// the other side only a given place can leave anything out.
func findPage[T any](ctx context.Context, tx *Tx, l list, r Range, args ...any) (*Page[T], error) {
	after, before, query := beforeAll, afterAll, l.newest
	if r.After != nil {
		after = *r.After
	}
	if r.Before != nil {
		before = *r.Before
	}
	if r.FromEnd {
		query = l.oldest
	}
	p := &Page[T]{}
	err := tx.Select(ctx, &p.Rows, query, append([]any{after.CreatedAt, after.ID, before.CreatedAt, before.ID, r.Size + 1}, args...)...)
	if err != nil {
		return nil, err
	}
	more := len(p.Rows) > r.Size
	p.Rows = p.Rows[:min(len(p.Rows), r.Size)]
	if r.FromEnd {
		slices.Reverse(p.Rows)
		p.MoreBefore = more
	} else {
		p.MoreAfter = more
	}
	if r.After != nil && !p.MoreBefore {
		if err := tx.Get(ctx, &p.MoreBefore, l.before, append([]any{after.CreatedAt, after.ID}, args...)...); err != nil {
			return nil, err
		}
	}
	if r.Before != nil && !p.MoreAfter {
		if err := tx.Get(ctx, &p.MoreAfter, l.after, append([]any{before.CreatedAt, before.ID}, args...)...); err != nil {
			return nil, err
		}
	}
	return p, nil
}
