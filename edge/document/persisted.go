package document

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"freehold.dev/freehold/fault"
)

// persisted finds the documents that clients name instead of sending: the trusted documents of the operator, and those that clients
// have registered (Apollo's automatic persisted queries). Registered documents are stored as text, and get the same checks as any
// other document on each request.
type persisted struct {
	trusted    *trusted
	only       bool // whether documents that are not trusted are refused
	registered *boundedCache[string]
}

func newPersisted(t *trusted, only bool) *persisted {
	return &persisted{trusted: t, only: only, registered: newBoundedCache(cachedTexts, textSize)}
}

// NotARequest is the message for what is not a GraphQL request.
const NotARequest = "Send one JSON object with query, and optionally operationName, variables and extensions."

// Resolve puts the document into a request that only names it. It returns BAD_REQUEST for a malformed request, and otherwise why
// the document is refused.
func (d *Documents) Resolve(r *Request) *fault.Error { return d.persisted.resolve(r) }

// Register stores the document of a request, which must be valid, if the client asked for that.
func (d *Documents) Register(r *Request) { d.persisted.register(r) }

func (p *persisted) resolve(r *Request) *fault.Error {
	hash, refused := persistedHash(r.Extensions)
	if refused != nil {
		return refused
	}
	id := r.DocumentID
	if id == "" {
		id = hash
	}
	switch {
	case r.DocumentID != "" && (r.Query != "" || hash != ""):
		return fault.New(fault.BadRequest, "Send documentId alone, without query and extensions.persistedQuery.")
	case r.Query == "" && id == "":
		return fault.New(fault.BadRequest, NotARequest)
	case r.Query == "":
		text, found := p.find(id)
		if !found {
			return fault.New(fault.PersistedQueryNotFound, "PersistedQueryNotFound")
		}
		r.Query = text
	case hash != "" && hashOf(r.Query) != hash:
		return fault.New(fault.BadRequest, "extensions.persistedQuery.sha256Hash is not the SHA-256 of query.")
	case hash != "":
		r.register = hash
	}
	if p.only && !p.trusted.has(r.Query) {
		return fault.New(fault.NotInSafelist, "This service runs trusted documents only. Send a trusted document or its id.")
	}
	return nil
}

func (p *persisted) find(id string) (text string, found bool) {
	id = strings.TrimPrefix(id, "sha256:") // GraphQL over HTTP's prefixed document identifiers
	if text, found = p.trusted.find(id); found || p.only {
		return text, found
	}
	return p.registered.get(id)
}

func (p *persisted) register(r *Request) {
	if r.register != "" && len(r.Query) <= cachedLongest && !p.trusted.has(r.Query) {
		p.registered.add(r.register, r.Query)
	}
}

// persistedHash reads extensions.persistedQuery: {version: 1, sha256Hash: …}. It returns "" if there is none.
func persistedHash(extensions map[string]any) (string, *fault.Error) {
	const invalid = "Send extensions.persistedQuery as an object with version: 1 and sha256Hash, which has 64 hexadecimal digits."
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
		return "", fault.New(fault.BadRequest, invalid)
	}
	return hash, nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
