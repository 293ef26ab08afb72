package auth

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// KeyState says what a signing key is used for.
type KeyState string

// The states of a signing key. A key in any state verifies.
const (
	KeyNext     KeyState = "next"     // it will sign ten minutes after its creation
	KeySigns    KeyState = "signs"    // it signs now
	KeyVerifies KeyState = "verifies" // it has been replaced
)

// KeyInfo describes a signing key without the key itself.
type KeyInfo struct {
	ID      string    // its kid
	Created time.Time // zero if the file does not say it
	State   KeyState
}

// ListKeys returns the signing keys of a file, oldest first.
func ListKeys(path string, now time.Time) ([]KeyInfo, error) {
	_, keys, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	signing := signs(keys, now)
	list := make([]KeyInfo, len(keys))
	for i, k := range keys {
		list[i] = KeyInfo{k.id, k.created, KeySigns}
		if i < signing {
			list[i].State = KeyVerifies
		} else if i > signing {
			list[i].State = KeyNext
		}
	}
	return list, nil
}

// RotateKeys adds a new key to a file and returns its kid. The new key signs after ten minutes. The keys that it replaces still
// verify, until a later rotation deletes those that were replaced more than a day ago. Concurrent rotations wait for each other.
func RotateKeys(path string, now time.Time) (kid string, err error) {
	err = changeKeys(path, func(blocks []*pem.Block, keys []key) ([]*pem.Block, error) {
		first := 0 // the oldest key to keep: its successor is not older than a day
		for i := 1; i < len(keys); i++ {
			if now.Sub(keys[i].created) > keptAfterRotation {
				first = i
			}
		}
		created := now
		if last := keys[len(keys)-1].created; last.After(now) {
			created = last // the clock was set back, but the keys must stay in order
		}
		block, added, err := newKeyBlock(created)
		kid = added.id
		return append(blocks[first:], block), err
	})
	if err != nil {
		return "", err
	}
	return kid, nil
}

// RevokeKeys deletes a key from a file immediately, or all keys if kid is empty, because somebody else may have them. If the key that
// signed is among them, it adds a key, which signs immediately. It returns the kids of the deleted keys and of the new one, or "" if
// there is no new one.
func RevokeKeys(path, kid string, now time.Time) (revoked []string, added string, err error) {
	err = changeKeys(path, func(blocks []*pem.Block, keys []key) ([]*pem.Block, error) {
		var kept []*pem.Block
		var before int // how many of kept come before the new key
		var known []string
		signing, replace := signs(keys, now), false
		for i, k := range keys {
			known = append(known, k.id)
			if kid != "" && k.id != kid {
				if kept = append(kept, blocks[i]); i < signing {
					before = len(kept)
				}
				continue
			}
			revoked, replace = append(revoked, k.id), replace || i == signing
		}
		if len(revoked) == 0 {
			return nil, fmt.Errorf("revoke a signing key: %s has no key %q; it has %s", path, kid, strings.Join(known, ", "))
		}
		if !replace {
			return kept, nil
		}
		created := now
		if len(kept) > 0 {
			created = now.Add(-activationDelay) // otherwise an older key would sign first
		}
		block, k, err := newKeyBlock(created)
		added = k.id
		return slices.Insert(kept, before, block), err
	})
	if err != nil {
		return nil, "", err
	}
	return revoked, added, nil
}

// changeKeys replaces the blocks of a file by those that change returns, while no other process changes them.
func changeKeys(path string, change func([]*pem.Block, []key) ([]*pem.Block, error)) (err error) {
	unlock, err := lockKeys(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	blocks, keys, err := readKeys(path)
	if err != nil {
		return err
	}
	if blocks, err = change(blocks, keys); err != nil {
		return err
	}
	return writeKeys(path, blocks, os.Rename)
}

func newKeyBlock(created time.Time) (*pem.Block, key, error) {
	block, err := newBlock(created)
	if err != nil {
		return nil, key{}, err
	}
	added, err := parseKey(block)
	return block, added, err
}
