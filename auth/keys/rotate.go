package keys

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// State says what a signing key is used for.
type State string

// The states of a signing key. A key in any state verifies.
const (
	Next     State = "next"     // it will sign ten minutes after its creation
	Signs    State = "signs"    // it signs now
	Verifies State = "verifies" // it has been replaced
)

// Info describes a signing key without the key itself.
type Info struct {
	ID      string    // its kid
	Created time.Time // zero if the file does not say it
	State   State
}

// List returns the signing keys of a file, oldest first.
func List(path string, now time.Time) ([]Info, error) {
	_, keys, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	signing := signs(keys, now)
	list := make([]Info, len(keys))
	for i, k := range keys {
		list[i] = Info{k.ID, k.Created, Signs}
		if i < signing {
			list[i].State = Verifies
		} else if i > signing {
			list[i].State = Next
		}
	}
	return list, nil
}

// Rotate adds a new key to a file and returns its kid. The new key signs after ten minutes. The keys that it replaces still
// verify, until a later rotation deletes those that were replaced more than a day ago. Concurrent rotations wait for each other.
func Rotate(path string, now time.Time) (kid string, err error) {
	err = changeKeys(path, func(blocks []*pem.Block, keys []Key) ([]*pem.Block, error) {
		first := 0 // the oldest key to keep: its successor is not older than a day
		for i := 1; i < len(keys); i++ {
			if now.Sub(keys[i].Created) > keptAfterRotation {
				first = i
			}
		}
		created := now
		if last := keys[len(keys)-1].Created; last.After(now) {
			created = last // the clock was set back, but the keys must stay in order
		}
		block, added, err := newKeyBlock(created)
		kid = added.ID
		return append(blocks[first:], block), err
	})
	if err != nil {
		return "", err
	}
	return kid, nil
}

// Revoke deletes a key from a file immediately, or all keys if kid is empty, because somebody else may have them. If the key that
// signed is among them, it adds a key, which signs immediately. It returns the kids of the deleted keys and of the new one, or "" if
// there is no new one.
func Revoke(path, kid string, now time.Time) (revoked []string, added string, err error) {
	err = changeKeys(path, func(blocks []*pem.Block, keys []Key) ([]*pem.Block, error) {
		var kept []*pem.Block
		var before int // how many of kept come before the new key
		var known []string
		signing, replace := signs(keys, now), false
		for i, k := range keys {
			known = append(known, k.ID)
			if kid != "" && k.ID != kid {
				if kept = append(kept, blocks[i]); i < signing {
					before = len(kept)
				}
				continue
			}
			revoked, replace = append(revoked, k.ID), replace || i == signing
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
		added = k.ID
		return slices.Insert(kept, before, block), err
	})
	if err != nil {
		return nil, "", err
	}
	return revoked, added, nil
}

// changeKeys replaces the blocks of a file by those that change returns, while no other process changes them.
func changeKeys(path string, change func([]*pem.Block, []Key) ([]*pem.Block, error)) (err error) {
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

func newKeyBlock(created time.Time) (*pem.Block, Key, error) {
	block, err := newBlock(created)
	if err != nil {
		return nil, Key{}, err
	}
	added, err := parseKey(block)
	return block, added, err
}
