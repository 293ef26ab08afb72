// Package keys owns the signing keys of a service: their file with its lock and its mode, rotation and revocation, which of them signs and
// which ones verify, and the public set that is published (JWKS). It also owns how files of other keys are read and created. It must not know
// what is in the tokens that it signs, what the derived keys are for, accounts, SQL or HTTP.
package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// A new key signs only after every instance and every reader of the JWKS has had time to load it.
	activationDelay = 10 * time.Minute
	// A key file is read again after it has changed. It is checked at most this often.
	reloadInterval = 10 * time.Second
	// After a revocation, another instance may sign with a key that this one has not loaded yet. So if a token names an unknown key,
	// the file is checked this often.
	unknownInterval = time.Second
	// Retired keys stay in the file at least this long, for what they have signed and what was derived from them.
	keptAfterRotation = 24 * time.Hour
)

// Key is one signing key.
type Key struct {
	ID      string    // its kid
	Created time.Time // zero means before all others

	private ed25519.PrivateKey
	derived *sync.Map // from the use of a MAC to its key
}

func newKey(private ed25519.PrivateKey, created time.Time) Key {
	sum := sha256.Sum256(private.Public().(ed25519.PublicKey))
	return Key{ID: base64.RawURLEncoding.EncodeToString(sum[:12]), Created: created, private: private, derived: &sync.Map{}}
}

// Signer signs with the key.
func (k Key) Signer() crypto.Signer { return k.private }

// MAC returns the HMAC-SHA256 of a message for a use, such as "freehold one-time code". Each use has a key of its own, which is derived
// from k.
func (k Key) MAC(use string, message []byte) []byte {
	derived, ok := k.derived.Load(use)
	if !ok {
		key, err := hkdf.Key(sha256.New, k.private.Seed(), nil, use, sha256.Size)
		if err != nil {
			panic(err) // a key of this size can always be derived
		}
		derived = key
		k.derived.Store(use, derived)
	}
	h := hmac.New(sha256.New, derived.([]byte))
	h.Write(message)
	return h.Sum(nil)
}

// Format prints only the id, with every verb, so that no log or error contains the private key.
func (k Key) Format(f fmt.State, _ rune) {
	io.WriteString(f, "key "+k.ID) //nolint:errcheck // fmt notices
}

// Set is the signing keys of a file. The newest one that has been in the file for a while signs, and all of them verify. Set
// reads the file again after it has changed, so a rotation needs no restart.
type Set struct {
	// Failed is called if the file has changed and cannot be read. Set it before you use the keys; nil ignores the error.
	Failed func(error)

	path string
	now  func() time.Time

	mu      sync.Mutex
	keys    []Key // oldest first
	public  *PublicSet
	checked time.Time
	loaded  fs.FileInfo // the file, as it was read
}

// Load reads the Ed25519 keys (PKCS #8 in PEM blocks) of a file. It refuses a file that other users than its owner and group
// can read. now is the clock; nil means time.Now.
func Load(path string, now func() time.Time) (*Set, error) {
	if now == nil {
		now = time.Now
	}
	s := &Set{path: path, now: now}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// LoadOrCreate is Load, but creates a file with a first key if there is none, for development. It creates the file
// atomically. If two processes start at once, both use the key of the first one.
func LoadOrCreate(path string, now func() time.Time) (*Set, error) {
	s, err := Load(path, now)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	block, err := newBlock(time.Time{})
	if err != nil {
		return nil, err
	}
	if err := writeKeys(path, []*pem.Block{block}, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return Load(path, now)
}

// Now returns the time of the clock that decides which key signs.
func (s *Set) Now() time.Time { return s.now() }

// Signing returns the key that signs now.
func (s *Set) Signing() Key {
	keys := s.All()
	return keys[signs(keys, s.now())]
}

// signs returns the index of the key that signs at a time: the newest that has been in the file for a while, or else the oldest.
func signs(keys []Key, now time.Time) int {
	for i, key := range slices.Backward(keys) {
		if now.Sub(key.Created) >= activationDelay {
			return i
		}
	}
	return 0
}

// All returns every key of the file, oldest first. The caller must not change the list.
func (s *Set) All() []Key {
	keys, _ := s.current(reloadInterval)
	return keys
}

// Public returns the public keys of all. It returns the same set until the file has changed.
func (s *Set) Public() *PublicSet {
	_, public := s.current(reloadInterval)
	return public
}

// Recheck is Public for a token that names an unknown key: it checks the file again, unless it did so less than a second ago.
func (s *Set) Recheck() *PublicSet {
	_, public := s.current(unknownInterval)
	return public
}

// current returns the keys. It checks the file again if it last did so at least an interval ago.
func (s *Set) current(interval time.Duration) ([]Key, *PublicSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.checked) >= interval {
		s.checked = now
		if info, err := os.Stat(s.path); err == nil && (!os.SameFile(info, s.loaded) || !info.ModTime().Equal(s.loaded.ModTime())) {
			if err := s.load(); err != nil && s.Failed != nil { // the loaded keys stay, and the next check reads the file again
				s.Failed(err)
			}
		}
	}
	return s.keys, s.public
}

func (s *Set) load() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	_, keys, err := readKeys(s.path)
	if err != nil {
		return err
	}
	public := &PublicSet{byID: map[string]ed25519.PublicKey{}}
	for _, key := range keys {
		public.byID[key.ID] = key.private.Public().(ed25519.PublicKey)
	}
	s.keys, s.public, s.loaded, s.checked = keys, public, info, s.now()
	return nil
}

// Ages says how old the signing keys are.
type Ages struct {
	Count   int
	Signing time.Duration // since the key that signs was created
}

// Ages returns how old the keys are. A key without a date, such as one that openssl has created, is as old as the file.
func (s *Set) Ages() Ages {
	created := s.Signing().Created
	s.mu.Lock()
	defer s.mu.Unlock()
	if created.IsZero() {
		created = s.loaded.ModTime()
	}
	return Ages{Count: len(s.keys), Signing: max(0, s.now().Sub(created))}
}
