package db

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
)

// ProfilePlace is a place in the list of profiles, newest first.
type ProfilePlace struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// The places beyond either end of the list.
var (
	beforeAll = ProfilePlace{CreatedAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	afterAll  = ProfilePlace{CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}
)

// ProfileRange asks for a page: of what lies between two places, nil meaning the ends of the list, the first Size
// profiles or, with FromEnd, the last.
type ProfileRange struct {
	After, Before *ProfilePlace
	Size          int
	FromEnd       bool
}

// ProfilePage is a page of the profiles that a viewer sees, newest first, and whether he sees any before and after it.
type ProfilePage struct {
	Profiles      []Profile
	MoreBefore    bool
	MoreAfter     bool
	after, before ProfilePlace
}

// FindProfilePage returns a page of the profiles that the viewer sees.
func (d *DB) FindProfilePage(ctx context.Context, viewer auth.Viewer, r ProfileRange) (*ProfilePage, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*ProfilePage, error) {
		p := &ProfilePage{after: beforeAll, before: afterAll}
		if r.After != nil {
			p.after = *r.After
		}
		if r.Before != nil {
			p.before = *r.Before
		}
		if err := tx.fillPage(ctx, p, r); err != nil {
			return nil, fmt.Errorf("list profiles: %w", err)
		}
		return p, nil
	})
}

// fillPage asks for one profile more than the page holds, which tells whether there is more on the side it was cut
// from; on the other side only a given place can leave anything out.
func (t *Tx) fillPage(ctx context.Context, p *ProfilePage, r ProfileRange) error {
	query := selectProfile + `
		 WHERE (p.created_at, p.id) < ($1, $2) AND (p.created_at, p.id) > ($3, $4)
		 ORDER BY p.created_at DESC, p.id DESC
		 LIMIT $5`
	if r.FromEnd {
		query = selectProfile + `
		 WHERE (p.created_at, p.id) < ($1, $2) AND (p.created_at, p.id) > ($3, $4)
		 ORDER BY p.created_at, p.id
		 LIMIT $5`
	}
	err := t.Select(ctx, &p.Profiles, query, p.after.CreatedAt, p.after.ID, p.before.CreatedAt, p.before.ID, r.Size+1)
	if err != nil {
		return err
	}
	more := len(p.Profiles) > r.Size
	p.Profiles = p.Profiles[:min(len(p.Profiles), r.Size)]
	if r.FromEnd {
		slices.Reverse(p.Profiles)
		p.MoreBefore = more
	} else {
		p.MoreAfter = more
	}
	return t.lookBeyond(ctx, p, r)
}

func (t *Tx) lookBeyond(ctx context.Context, p *ProfilePage, r ProfileRange) error {
	if r.After != nil && !p.MoreBefore {
		err := t.Get(ctx, &p.MoreBefore, `
			SELECT EXISTS (SELECT FROM app.profiles p WHERE (p.created_at, p.id) >= ($1, $2))`, p.after.CreatedAt, p.after.ID)
		if err != nil {
			return err
		}
	}
	if r.Before != nil && !p.MoreAfter {
		return t.Get(ctx, &p.MoreAfter, `
			SELECT EXISTS (SELECT FROM app.profiles p WHERE (p.created_at, p.id) <= ($1, $2))`, p.before.CreatedAt, p.before.ID)
	}
	return nil
}
