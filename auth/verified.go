package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
)

// maxVerified is the most that each of the two generations of verified tokens has. An entry takes about 150 bytes in a Go map:
// 2.5 MB in all.
const maxVerified = 8192

// verified remembers which access tokens were verified, by their SHA-256, since Ed25519 takes longer than the rest of reading a
// token. The entries are valid only for the keys that verified them, and say nothing about the session: the database decides on
// every request whether that is live. The zero value is empty.
type verified struct {
	mu   sync.Mutex
	keys *keys.PublicSet // that have verified the entries
	// A full young generation replaces the old one, so that making room needs no search. A token that is used again moves to the
	// young generation, so it outlives any number of tokens that are used once.
	young, old map[tokenHash]verifiedToken
}

type tokenHash [sha256.Size]byte

type verifiedToken struct {
	userID, sessionID uuid.UUID
	scopes            Scopes
	from, until       int64 // Unix times: the token is valid from the first until the second, with leeway
	ageing            int64 // after this, the token should be renewed
}

func (t verifiedToken) validAt(now time.Time) bool {
	return !now.Before(time.Unix(t.from, 0)) && now.Before(time.Unix(t.until, 0))
}

// find returns a token that these keys have verified and that is valid now.
func (v *verified) find(public *keys.PublicSet, hash tokenHash, now time.Time) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != public {
		v.keys, v.young, v.old = public, nil, nil
	}
	token, ok := v.young[hash]
	if !ok {
		if token, ok = v.old[hash]; ok && token.validAt(now) {
			v.put(hash, token)
		}
	}
	return token, ok && token.validAt(now)
}

// add remembers a token that these keys have verified, unless other keys were loaded in the meantime.
func (v *verified) add(public *keys.PublicSet, hash tokenHash, token verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == public {
		v.put(hash, token)
	}
}

func (v *verified) put(hash tokenHash, token verifiedToken) {
	if v.young == nil || len(v.young) >= maxVerified {
		v.old, v.young = v.young, map[tokenHash]verifiedToken{}
	}
	v.young[hash] = token
}
