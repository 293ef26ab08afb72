package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// pageFields are the fields by which tests compare pages.
const pageFields = `{ edges { cursor node { username } } nodes { username } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`

type (
	pageNode struct{ Username string }
	pageEdge struct {
		Cursor string
		Node   pageNode
	}
)

type page struct {
	Edges    []pageEdge
	Nodes    []pageNode
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       string
	}
}

func (p page) String() string {
	return fmt.Sprintf("edges %v, nodes %v, %+v", p.Edges, p.Nodes, p.PageInfo)
}

// listed is a profile in the list, newest first, with its cursor, which is the same for every viewer who sees it.
type listed struct {
	harness.Account
	visibility, cursor string
	seen               bool // by this viewer
}

// pageOf returns the expected page: of the visible rows between two places of the list, the first or the last few. Places and
// bounds are indexes; -1 and len(list) are the ends.
func pageOf(list []listed, after, before, size int, fromEnd bool) (p page) {
	var between []int
	for i, row := range list {
		switch {
		case !row.seen:
		case i > after && i < before:
			between = append(between, i)
		default: // a row can be on both sides if the places are in the wrong order
			p.PageInfo.HasPreviousPage = p.PageInfo.HasPreviousPage || i <= after
			p.PageInfo.HasNextPage = p.PageInfo.HasNextPage || i >= before
		}
	}
	if cut := len(between) - size; cut > 0 && fromEnd {
		between, p.PageInfo.HasPreviousPage = between[cut:], true
	} else if cut > 0 {
		between, p.PageInfo.HasNextPage = between[:size], true
	}
	for _, i := range between {
		node := pageNode{list[i].Username}
		p.Nodes, p.Edges = append(p.Nodes, node), append(p.Edges, pageEdge{list[i].cursor, node})
		p.PageInfo.EndCursor = list[i].cursor
	}
	if len(p.Edges) > 0 {
		p.PageInfo.StartCursor = p.Edges[0].Cursor
	}
	return p
}

// A12, A15: pages of every size, in both directions, from and to every place of the list, equal those of a list without the
// hidden rows, even if the place is a hidden row. A client that reads page by page only combines such pages, because it uses
// the cursors that it got.
func TestPagesOfProfiles(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var list []listed
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC", "PRIVATE", "PUBLIC", "MEMBERS", "PRIVATE"} {
		list = append(list, listed{visibility: visibility})
	}
	for i := range slices.Backward(list) {
		list[i].Account = s.SignUp(harness.Vars{"visibility": "PUBLIC"}) // read while every viewer sees the profiles
	}
	var all struct{ Profiles page }
	s.Do("", `{ profiles `+pageFields+` }`, nil).Into(t, &all)
	if len(all.Profiles.Edges) != len(list) {
		t.Fatalf("%d profiles, want %d", len(all.Profiles.Edges), len(list))
	}
	for i := range list {
		list[i].cursor = all.Profiles.Edges[i].Cursor
		s.DB.Query(t, `UPDATE app.profiles SET visibility = $1 WHERE id = $2`, list[i].visibility, list[i].ProfileID)
	}
	for who, viewer := range map[string]harness.Account{"anonymous": {}, "a member": list[1].Account, "the owner of a hidden one": list[3].Account} {
		sees, visible := slices.Clone(list), 0
		for i := range sees {
			sees[i].seen = sees[i].visibility == "PUBLIC" || viewer.Token != "" && sees[i].visibility == "MEMBERS" || sees[i].UserID == viewer.UserID
			if sees[i].seen {
				visible++
			}
		}
		if want := map[string]int{"anonymous": 2, "a member": 4, "the owner of a hidden one": 5}[who]; visible != want {
			t.Fatalf("%s sees %d rows, want %d", who, visible, want)
		}
		for after := -1; after < len(list); after++ {
			for before := range len(list) + 1 {
				expectPages(s, who, viewer.Token, sees, after, before, visible+1)
			}
		}
	}
}

// expectPages requests, in one operation, the pages of all sizes, from both ends, between two places.
func expectPages(s *harness.Service, who, token string, list []listed, after, before, sizes int) {
	s.T.Helper()
	places := ""
	if after >= 0 {
		places += fmt.Sprintf(`, after: %q`, list[after].cursor)
	}
	if before < len(list) {
		places += fmt.Sprintf(`, before: %q`, list[before].cursor)
	}
	var query strings.Builder
	for size := 1; size <= sizes; size++ {
		fmt.Fprintf(&query, "first%d: profiles(first: %d%s) { ...P } last%d: profiles(last: %d%s) { ...P } ", size, size, places, size, size, places)
	}
	r := s.Do(token, `{ `+query.String()+`} fragment P on ProfileConnection `+pageFields, nil)
	if len(r.Errors) > 0 {
		s.T.Fatal(r.Body)
	}
	var pages map[string]page
	r.Into(s.T, &pages)
	for size := 1; size <= sizes; size++ {
		for _, fromEnd := range []bool{false, true} {
			name := fmt.Sprintf("first%d", size)
			if fromEnd {
				name = fmt.Sprintf("last%d", size)
			}
			if got, want := pages[name].String(), pageOf(list, after, before, size, fromEnd).String(); got != want {
				s.T.Errorf("%s, %s between %d and %d: got\n%s\nwant\n%s", who, name, after, before, got, want)
			}
		}
	}
}
