package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/fault"
)

// A remembered token is valid for as long as it would be if it were verified again.
func TestVerifiedTokensAreValidForTheirOwnTime(t *testing.T) {
	t.Parallel()
	issued := time.Now().Truncate(time.Second)
	clock := issued
	tokens := NewTokens(testKeys(t, func() time.Time { return clock }), "x", 15*time.Minute)
	token, expires, err := tokens.Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at     time.Time
		ageing bool
		reason fault.Reason
	}{
		{issued, false, ""},
		{expires.Add(-5 * time.Minute), false, ""},
		{expires.Add(-5*time.Minute + time.Second), true, ""},
		{expires.Add(DefaultLeeway - time.Nanosecond), true, ""},
		{expires.Add(DefaultLeeway), true, fault.Expired},
		{expires.Add(DefaultLeeway + time.Second), true, fault.Expired},
		{issued.Add(-DefaultLeeway - instanceSkew), false, ""}, // the clock is set back
		{issued.Add(-DefaultLeeway - instanceSkew - time.Nanosecond), true, fault.Invalid},
		{issued, false, ""},
	} {
		clock = c.at
		for range 2 {
			if a := tokens.read(token); a.Viewer.Reason != c.reason || a.Ageing != c.ageing || a.Viewer.IsMember() != (c.reason == "") {
				t.Errorf("%v after it was issued: %+v; want ageing %v, %q", c.at.Sub(issued), a, c.ageing, c.reason)
			}
		}
	}
}

// A token is refused as soon as keys without its own are loaded. It is accepted again when its key returns.
func TestVerifiedTokensAreForgottenWithTheirKey(t *testing.T) {
	t.Parallel()
	clock := time.Now().Truncate(time.Second)
	path := filepath.Join(t.TempDir(), "key.pem")
	set, err := keys.LoadOrCreate(path, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	tokens := NewTokens(set, "x", 15*time.Minute)
	token, _, err := tokens.Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Rotate(path, clock); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, second := pem.Decode(text)
	old, both, young := pem.EncodeToMemory(first), text, second
	for i, c := range []struct {
		file   []byte
		reason fault.Reason
	}{{old, ""}, {both, ""}, {young, fault.Invalid}, {both, ""}, {young, fault.Invalid}} {
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, clock, clock); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(reloadInterval)
		for range 2 {
			if reason := tokens.read(token).Viewer.Reason; reason != c.reason {
				t.Errorf("%d: with %d keys the token is %q, want %q", i, bytes.Count(c.file, []byte("BEGIN")), reason, c.reason)
			}
		}
	}
}

// Tokens that old keys have verified are not remembered for new keys.
func TestTokensVerifiedDuringAReloadAreForgotten(t *testing.T) {
	t.Parallel()
	var v verified
	before, after, now := &keys.PublicSet{}, &keys.PublicSet{}, time.Unix(1, 0)
	v.find(before, tokenHash{}, now)
	v.find(after, tokenHash{}, now)
	v.add(before, tokenHash{}, verifiedToken{until: 2})
	if _, ok := v.find(after, tokenHash{}, now); ok {
		t.Error("the token is remembered")
	}
}

// A remembered token with any changed byte is refused. A refused token is not remembered.
func TestOnlyVerifiedTokensAreRemembered(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKeys(t, nil), "x", time.Minute)
	token, _, err := tokens.Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	if reason := tokens.read(token).Viewer.Reason; reason != "" {
		t.Fatal(reason)
	}
	for i := range token {
		tampered := []byte(token)
		if tampered[i]++; tampered[i] == '.' {
			tampered[i]++
		}
		for range 2 {
			if v := tokens.read(string(tampered)).Viewer; v != Anonymous(fault.Invalid) {
				t.Fatalf("with byte %d changed: %+v", i, v)
			}
		}
	}
	if n := len(tokens.reader.verified.young) + len(tokens.reader.verified.old); n != 1 {
		t.Errorf("%d tokens are remembered, want 1", n)
	}
}

// A flood of tokens stays within the bound, and does not displace a token that is in use.
func TestVerifiedTokensAreBounded(t *testing.T) {
	t.Parallel()
	var v verified
	public, now := &keys.PublicSet{}, time.Unix(1, 0)
	hash := func(i int) tokenHash { return sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}) }
	v.find(public, hash(0), now)
	for i := range 5 * maxVerified {
		v.add(public, hash(i), verifiedToken{until: 2})
		if n := len(v.young) + len(v.old); n > 2*maxVerified {
			t.Fatalf("%d tokens are remembered", n)
		}
		if i%(maxVerified/2) == 0 {
			if _, ok := v.find(public, hash(0), now); !ok {
				t.Fatalf("a token in use is forgotten after %d others", i)
			}
		}
	}
	if _, ok := v.find(public, hash(1), now); ok {
		t.Error("a token that was used once is remembered after a flood")
	}
}

// Many requests read the same tokens while keys are reloaded and tokens expire.
func TestTokensAreReadConcurrently(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	var mu sync.Mutex
	clock := time.Now().Truncate(time.Second)
	set, err := keys.LoadOrCreate(path, func() time.Time { mu.Lock(); defer mu.Unlock(); return clock })
	if err != nil {
		t.Fatal(err)
	}
	tokens, user := NewTokens(set, "x", time.Hour), uuid.New()
	token, _, err := tokens.Access(Viewer{UserID: user, SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if v := tokens.read(token).Viewer; v.Reason != "" || v.UserID != user {
					t.Errorf("%+v", v)
				}
				own, _, err := tokens.Access(Viewer{UserID: user, SessionID: uuid.New()})
				if reason := tokens.read(own).Viewer.Reason; err != nil || reason != "" {
					t.Errorf("%v, %q", err, reason)
				}
			}
		})
	}
	for i := range 20 {
		if err := os.Chtimes(path, clock, clock.Add(time.Duration(-i)*time.Second)); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		clock = clock.Add(reloadInterval)
		mu.Unlock()
	}
	wg.Wait()
}
