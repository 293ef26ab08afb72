package app

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"freehold/fault"
)

// persisted finds documents that clients name instead of sending them: the operator's trusted ones, and those that
// clients have registered themselves (Apollo's automatic persisted queries). Registered documents are texts only. Each
// request parses, validates and costs them like any other document.
type persisted struct {
	trusted    *trusted
	only       bool // whether documents that are not trusted are refused
	registered *boundedCache[string]
}

func newPersisted(t *trusted, only bool) *persisted {
	return &persisted{trusted: t, only: only, registered: newBoundedCache(cachedBytes, func(hash, text string) int { return len(hash) + len(text) })}
}

// resolve puts the document into a request that names one. It returns the hash under which a valid document is to be
// registered, or "".
func (p *persisted) resolve(r *request, media string) (register string, refused *refusal) {
	hash, refused := persistedHash(r.Extensions)
	if refused != nil {
		return "", refused
	}
	id := r.documentID
	if id == "" {
		id = hash
	}
	switch {
	case r.documentID != "" && (r.Query != "" || hash != ""):
		return "", refuse(http.StatusBadRequest, "Send query, documentId or extensions.persistedQuery, not several of them.")
	case r.Query == "" && id == "":
		return "", refuse(http.StatusBadRequest, notARequest)
	case r.Query == "":
		text, found := p.find(id)
		if !found {
			return "", &refusal{statusOfRefused(media), fault.New(fault.PersistedQueryNotFound, "PersistedQueryNotFound")}
		}
		r.Query = text
	case hash != "" && hashOf(r.Query) != hash:
		return "", refuse(http.StatusBadRequest, "extensions.persistedQuery.sha256Hash is not the SHA-256 of query.")
	case hash != "":
		register = hash
	}
	if p.only && !p.trusted.has(r.Query) {
		return "", &refusal{statusOfRefused(media), fault.New(fault.NotInSafelist, "This service runs trusted documents only. Send one of those, or its id.")}
	}
	return register, nil
}

func (p *persisted) find(id string) (text string, found bool) {
	id = strings.TrimPrefix(id, "sha256:") // GraphQL over HTTP's prefixed document identifiers
	if text, found = p.trusted.find(id); found || p.only {
		return text, found
	}
	return p.registered.get(id)
}

// register remembers a document that was valid under its hash.
func (p *persisted) register(hash, text string) {
	if hash != "" && len(text) <= cachedLongest && !p.trusted.has(text) {
		p.registered.add(hash, text)
	}
}

// persistedHash reads extensions.persistedQuery: {version: 1, sha256Hash: …}. It returns "" where there is none.
func persistedHash(extensions map[string]any) (string, *refusal) {
	const invalid = "extensions.persistedQuery has to be an object with version: 1 and sha256Hash, 64 hexadecimal digits."
	value, given := extensions["persistedQuery"]
	if !given || value == nil {
		return "", nil
	}
	asked, _ := value.(map[string]any)
	hash, _ := asked["sha256Hash"].(string)
	hash = strings.ToLower(hash)
	raw, err := hex.DecodeString(hash)
	version, _ := asked["version"].(interface{ String() string }) // json.Number
	if err != nil || len(raw) != sha256.Size || version == nil || version.String() != "1" {
		return "", refuse(http.StatusBadRequest, invalid)
	}
	return hash, nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// boundedCache keeps the values that were used last, within a number of bytes. It is safe for concurrent use.
type boundedCache[V any] struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, V]
	size  func(key string, value V) int
	bytes int
	limit int
}

// cachedMost is a number that the library wants. The bytes are the bound.
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
