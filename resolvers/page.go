package resolvers

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"freehold/db"
	"freehold/fault"
	"freehold/graph/model"
)

// DefaultPage is how many entries a page has that is not asked for by size.
const DefaultPage = 20

// NewRange reads the arguments of a connection (Relay's Cursor Connections) and tells every fault of theirs.
func NewRange(first *int, after *string, last *int, before *string) (db.Range, error) {
	r := db.Range{Size: DefaultPage, FromEnd: last != nil}
	var faults fault.Faults
	size := func(path string, n *int) {
		if n == nil {
			return
		}
		if r.Size = *n; *n < 1 || *n > db.MaxPage {
			faults.Add(path, fault.Flaw{Code: "OUT_OF_RANGE", Message: fmt.Sprintf("A page has 1 to %d entries.", db.MaxPage), Params: fault.Params{"min": 1, "max": db.MaxPage}})
		}
	}
	place := func(path string, text *string) *db.Place {
		if text == nil {
			return nil
		}
		found, ok := parseCursor(*text)
		if !ok {
			faults.Add(path, fault.Flaw{Code: "INVALID", Message: "This is not a cursor of this list. Use one from pageInfo or edges."})
		}
		return &found
	}
	size("first", first)
	size("last", last)
	if first != nil && last != nil {
		faults.Add("last", fault.Flaw{Code: "NOT_TOGETHER", Message: "Ask for the first or for the last entries, not for both."})
	}
	r.After, r.Before = place("after", after), place("before", before)
	return r, faults.Err()
}

const (
	cursorVersion = 1
	cursorBytes   = 1 + 8 + 16
)

// cursor is an opaque place in a list: a version, its microsecond, its id.
func cursor(p db.Place) string {
	raw := make([]byte, 0, cursorBytes)
	raw = append(raw, cursorVersion)
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.CreatedAt.UnixMicro()))
	raw = append(raw, p.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parseCursor reads a cursor; false for anything that we did not make. Years are held to what PostgreSQL and JSON take.
func parseCursor(text string) (place db.Place, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(cursorBytes) {
		return place, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion { // shorter: base64 passes over line breaks
		return place, false
	}
	place.CreatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:9]))).UTC()
	copy(place.ID[:], raw[9:])
	return place, place.CreatedAt.Year() > 1970 && place.CreatedAt.Year() < 9999
}

// Connect makes the parts of a connection of a page: of each row a node, and of that an edge with the row's cursor.
func Connect[R, N, E any](page *db.Page[R], place func(*R) db.Place, node func(*R) *N, edge func(cursor string, node *N) *E) ([]*E, []*N, *model.PageInfo) {
	n := len(page.Rows)
	edges, nodes, info := make([]*E, n), make([]*N, n), &model.PageInfo{HasNextPage: page.MoreAfter, HasPreviousPage: page.MoreBefore}
	for i := range page.Rows {
		at := cursor(place(&page.Rows[i]))
		nodes[i] = node(&page.Rows[i])
		edges[i] = edge(at, nodes[i])
		if i == 0 {
			info.StartCursor = &at
		}
		info.EndCursor = &at
	}
	return edges, nodes, info
}
