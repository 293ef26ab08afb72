package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

// The documents that clients register are bounded in bytes. Those in use are kept, and long ones are not stored.
func TestRegisteredDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPersisted(nil, false)
	register := func(text string) {
		p.register(&Request{RawParams: &graphql.RawParams{Query: text}, register: hashOf(text)})
	}
	used := fmt.Sprintf("%01000d", 0)
	register(used)
	for i := range 10_000 {
		text := fmt.Sprintf("%01000d", i+1)
		register(text)
		if found, ok := p.find(hashOf(used)); !ok || found != used {
			t.Fatalf("a document in use was dropped after %d others", i+1)
		}
	}
	if r := p.registered; r.bytes > cachedTexts || r.bytes < cachedTexts/2 || r.lru.Len()*(256+64+1000) != r.bytes {
		t.Errorf("%d bytes in %d documents", r.bytes, r.lru.Len())
	}
	long := strings.Repeat("x", cachedLongest+1)
	register(long)
	if _, found := p.find(hashOf(long)); found {
		t.Error("a document with data in it is kept")
	}
}
