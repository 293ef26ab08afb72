package edge

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/graph"
)

// G11: the caches keep only the documents of GET requests, however long the URLs are.
func TestDocumentsByGetKeepNoURL(t *testing.T) {
	t.Parallel()
	const floods = 20_000
	d, err := document.New(t.Context(), document.Options{Schema: graph.NewSchema(), Tokens: 1000, Cost: 10_000, Depth: 20, Aliases: 50})
	if err != nil {
		t.Fatal(err)
	}
	padding := strings.Repeat("x", 14<<10)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range floods {
		read, refused := readURL(fmt.Sprintf("query={a%d:__typename}&x=%s", i, padding))
		if refused != nil {
			t.Fatal(refused.err)
		}
		read.Extensions = persistedQuery(read.Query)
		if f := d.Resolve(read); f != nil {
			t.Fatal(f)
		}
		d.Cache().Add(t.Context(), read.Query, &ast.QueryDocument{})
		d.Register(read)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MB for %d short documents", grown>>20, floods)
	}
	runtime.KeepAlive(d)
}

// persistedQuery returns the extensions with which a client registers a document.
func persistedQuery(query string) map[string]any {
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(query)))
	return map[string]any{"persistedQuery": map[string]any{"version": json.Number("1"), "sha256Hash": hash}}
}
