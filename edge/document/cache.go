package document

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/ast"
)

// The bounds of the caches of documents, in bytes.
const (
	cachedTexts   = 2 << 20
	cachedParsed  = 32 << 20
	cachedLongest = 16 << 10 // longer ones have their data in literals, and are not sent again
)

// textSize and parsedSize return upper bounds of the size of an entry, in bytes. A parsed document takes up to 100 times its text,
// and at least a kilobyte.
func textSize(key, text string) int { return 256 + len(key) + len(text) }

func parsedSize(text string, _ *ast.QueryDocument) int { return 1024 + 100*len(text) }

// boundedCache keeps the most recently used values within a number of bytes. It is safe for concurrent use.
type boundedCache[V any] struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, V]
	size  func(key string, value V) int
	bytes int
	limit int
}

// cachedMost is a bound of values, which the library requires. The bytes are the real bound.
const cachedMost = 1_000_000

func newBoundedCache[V any](limit int, size func(key string, value V) int) *boundedCache[V] {
	c := &boundedCache[V]{limit: limit, size: size}
	lru, err := simplelru.NewLRU(cachedMost, func(key string, value V) { c.bytes -= size(key, value) })
	if err != nil {
		panic(err) // the size is a positive constant
	}
	c.lru = lru
	return c
}

func (c *boundedCache[V]) get(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(key)
}

func (c *boundedCache[V]) add(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lru.Contains(key) {
		return
	}
	c.bytes += c.size(key, value)
	c.lru.Add(key, value)
	for c.bytes > c.limit {
		c.lru.RemoveOldest()
	}
}
