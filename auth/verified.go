package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/google/uuid"
)

// maxVerified bounds each of the two generations of verified tokens. With Go's map an entry takes about 150 bytes: 2.5 MB in
// all.
const maxVerified = 8192

// verified remembers which access tokens have been verified, by their SHA-256, since Ed25519 takes longer than the rest of
// reading a token. What it remembers counts for the keys that verified it only, and says nothing about the session: the
// database decides on every request whether that still lives. The zero value is empty.
type verified struct {
	mu   sync.Mutex
	keys []key // that verified what is remembered
	// A full generation of tokens becomes the old one and replaces it, so that no entry is ever searched for to make room. A
	// token that is used moves to the young one, and outlives any number of tokens that are used once.
	young, old map[tokenHash]verifiedToken
}

type tokenHash [sha256.Size]byte

type verifiedToken struct {
	userID, sessionID uuid.UUID
	from, until       int64 // the Unix times between which the token is valid, with leeway
	expires           int64 // what the token says itself
}

func (t verifiedToken) validAt(now time.Time) bool {
	return !now.Before(time.Unix(t.from, 0)) && now.Before(time.Unix(t.until, 0))
}

// find returns a token that was verified with these very keys and is valid now.
func (v *verified) find(keys []key, hash tokenHash, now time.Time) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !sameKeys(v.keys, keys) {
		v.keys, v.young, v.old = keys, nil, nil
	}
	token, ok := v.young[hash]
	if !ok {
		if token, ok = v.old[hash]; ok && token.validAt(now) {
			v.put(hash, token)
		}
	}
	return token, ok && token.validAt(now)
}

// add remembers a token that these keys have verified, unless others have been loaded in the meantime.
func (v *verified) add(keys []key, hash tokenHash, token verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if sameKeys(v.keys, keys) {
		v.put(hash, token)
	}
}

func (v *verified) put(hash tokenHash, token verifiedToken) {
	if v.young == nil || len(v.young) >= maxVerified {
		v.old, v.young = v.young, map[tokenHash]verifiedToken{}
	}
	v.young[hash] = token
}

// sameKeys reports whether two sets of keys are one, loaded at one time.
func sameKeys(a, b []key) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}
