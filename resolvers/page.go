package resolvers

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
)

// DefaultPage is the number of entries on a page if the client does not ask for one.
const DefaultPage = 20

// NewRange reads the arguments of a connection (Relay's Cursor Connections). Its error has all their faults.
func NewRange(first *int, after *string, last *int, before *string) (db.Range, error) {
	r := db.Range{Size: DefaultPage, FromEnd: last != nil}
	var faults fault.Faults
	size := func(path string, n *int) {
		if n == nil {
			return
		}
		if r.Size = *n; *n < 1 || *n > db.MaxPage {
			faults.Add(path, fault.Flaw{Code: "OUT_OF_RANGE", Message: fmt.Sprintf("A page must have 1 to %d entries.", db.MaxPage), Params: fault.Params{"min": 1, "max": db.MaxPage}})
		}
	}
	place := func(path string, text *string) *db.Place {
		if text == nil {
			return nil
		}
		found, ok := parseCursor(*text)
		if !ok {
			faults.Add(path, fault.Flaw{Code: "INVALID", Message: "This is not a valid cursor for this list. Use one from pageInfo or edges."})
		}
		return &found
	}
	size("first", first)
	size("last", last)
	if first != nil && last != nil {
		faults.Add("last", fault.Flaw{Code: "NOT_TOGETHER", Message: "Use either first or last, not both."})
	}
	r.After, r.Before = place("after", after), place("before", before)
	return r, faults.Err()
}

const (
	cursorVersion = 1
	cursorBytes   = 1 + 8 + 16
)

// cursor encodes a place in a list: a version, its microsecond, its id. Clients must not rely on the form.
func cursor(p db.Place) string {
	raw := make([]byte, 0, cursorBytes)
	raw = append(raw, cursorVersion)
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.CreatedAt.UnixMicro()))
	raw = append(raw, p.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parseCursor decodes a cursor. It reports false for a text that cursor has not returned. PostgreSQL and JSON bound the years.
func parseCursor(text string) (place db.Place, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(cursorBytes) {
		return place, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion { // shorter if the text has line breaks, which base64 ignores
		return place, false
	}
	place.CreatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:9]))).UTC()
	copy(place.ID[:], raw[9:])
	return place, place.CreatedAt.Year() > 1970 && place.CreatedAt.Year() < 9999
}

// Connect returns the parts of a connection for a page: a node for each row and, if the client asks for edges, an edge with the
// row's cursor. ctx is that of the field with the connection.
func Connect[R, N, E any](ctx context.Context, page *db.Page[R], place func(*R) db.Place, node func(*R) *N, edge func(cursor string, node *N) *E) (edges []*E, nodes []*N, info *model.PageInfo) {
	info = &model.PageInfo{HasNextPage: page.MoreAfter, HasPreviousPage: page.MoreBefore}
	nodes = make([]*N, len(page.Rows))
	for i := range page.Rows {
		nodes[i] = node(&page.Rows[i])
	}
	at := func(i int) string { return cursor(place(&page.Rows[i])) }
	if selects(ctx, "edges") {
		edges = make([]*E, len(nodes))
		for i := range edges {
			edges[i] = edge(at(i), nodes[i])
		}
	}
	if len(nodes) > 0 {
		first, last := at(0), at(len(nodes)-1)
		info.StartCursor, info.EndCursor = &first, &last
	}
	return edges, nodes, info
}

// selects reports whether the client asks for a field of the object that the field of ctx returns.
func selects(ctx context.Context, name string) bool {
	return slices.ContainsFunc(graphql.CollectFieldsCtx(ctx, nil), func(f graphql.CollectedField) bool { return f.Name == name })
}
