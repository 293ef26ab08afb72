package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	pemType       = "PRIVATE KEY" // PKCS #8
	createdHeader = "Created"     // of a PEM block: when the key was created, RFC 3339

	// A new key signs only after every instance and every reader of the JWKS has had time to load it.
	activationDelay = 10 * time.Minute
	// A key file is read again after it has changed. It is checked at most this often.
	reloadInterval = 10 * time.Second
	// After a revocation, another instance may sign with a key that this one has not loaded yet. So if a token names an unknown key,
	// the file is checked this often.
	unknownInterval = time.Second
	// Retired keys stay in the file at least this long, for the tokens that they have signed.
	keptAfterRotation = 24 * time.Hour // also how long a reused refresh token is recognised by its tag
)

// key is one signing key, with the keys that are derived from it.
type key struct {
	id        string // kid
	private   ed25519.PrivateKey
	created   time.Time // zero means before all others
	successor []byte    // derives the successors of refresh tokens
	tag       []byte    // marks refresh tokens as ours
	code      []byte    // derives one-time codes
	codeID    []byte    // derives their ids
}

func newKey(private ed25519.PrivateKey, created time.Time) (key, error) {
	sum := sha256.Sum256(private.Public().(ed25519.PublicKey))
	k := key{id: base64.RawURLEncoding.EncodeToString(sum[:12]), private: private, created: created}
	var err1, err2, err3, err4 error
	k.successor, err1 = hkdf.Key(sha256.New, private.Seed(), nil, "freehold refresh successor", sha256.Size)
	k.tag, err2 = hkdf.Key(sha256.New, private.Seed(), nil, "freehold refresh tag", sha256.Size)
	k.code, err3 = hkdf.Key(sha256.New, private.Seed(), nil, "freehold one-time code", sha256.Size)
	k.codeID, err4 = hkdf.Key(sha256.New, private.Seed(), nil, "freehold one-time code id", sha256.Size)
	return k, errors.Join(err1, err2, err3, err4)
}

// Keys are the signing keys of a file. The newest one that has been in the file for a while signs, and all of them verify. Keys
// reads the file again after it has changed, so a rotation needs no restart.
type Keys struct {
	// Failed is called if the file has changed and cannot be read. Set it before you use the keys; nil ignores the error.
	Failed func(error)

	path string
	now  func() time.Time

	mu      sync.Mutex
	keys    []key // oldest first
	public  *PublicKeys
	checked time.Time
	loaded  fs.FileInfo // the file, as it was read
}

// LoadKeys reads the Ed25519 keys (PKCS #8 in PEM blocks) of a file. It refuses a file that other users than its owner and group
// can read. now is the clock; nil means time.Now.
func LoadKeys(path string, now func() time.Time) (*Keys, error) {
	if now == nil {
		now = time.Now
	}
	k := &Keys{path: path, now: now}
	if err := k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

// LoadOrCreateKeys is LoadKeys, but creates a file with a first key if there is none, for development. It creates the file
// atomically. If two processes start at once, both use the key of the first one.
func LoadOrCreateKeys(path string, now func() time.Time) (*Keys, error) {
	keys, err := LoadKeys(path, now)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	block, err := newBlock(time.Time{})
	if err != nil {
		return nil, err
	}
	if err := writeKeys(path, []*pem.Block{block}, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return LoadKeys(path, now)
}

// signing returns the key that signs now.
func (k *Keys) signing() key {
	keys := k.all()
	return keys[signs(keys, k.now())]
}

// signs returns the index of the key that signs at a time: the newest that has been in the file for a while, or else the oldest.
func signs(keys []key, now time.Time) int {
	for i, key := range slices.Backward(keys) {
		if now.Sub(key.created) >= activationDelay {
			return i
		}
	}
	return 0
}

// all returns every key of the file, oldest first.
func (k *Keys) all() []key {
	keys, _ := k.current(reloadInterval)
	return keys
}

// verifying returns the public keys of all. It checks the file again if it last did so at least an interval ago.
func (k *Keys) verifying(interval time.Duration) *PublicKeys {
	_, public := k.current(interval)
	return public
}

func (k *Keys) current(interval time.Duration) ([]key, *PublicKeys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); now.Sub(k.checked) >= interval {
		k.checked = now
		if info, err := os.Stat(k.path); err == nil && (!os.SameFile(info, k.loaded) || !info.ModTime().Equal(k.loaded.ModTime())) {
			if err := k.load(); err != nil && k.Failed != nil { // the loaded keys stay, and the next check reads the file again
				k.Failed(err)
			}
		}
	}
	return k.keys, k.public
}

func (k *Keys) load() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	_, keys, err := readKeys(k.path)
	if err != nil {
		return err
	}
	public := &PublicKeys{byID: map[string]ed25519.PublicKey{}}
	for _, key := range keys {
		public.byID[key.id] = key.private.Public().(ed25519.PublicKey)
	}
	k.keys, k.public, k.loaded, k.checked = keys, public, info, k.now()
	return nil
}

func readKeys(path string) (blocks []*pem.Block, keys []key, err error) {
	text, err := ReadKeyFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read signing keys: %w", err)
	}
	begun := bytes.Count(text, []byte("-----BEGIN "))
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		k, err := parseKey(block)
		if err != nil {
			return nil, nil, fmt.Errorf("read signing keys: %s: %w", path, err)
		}
		blocks, keys = append(blocks, block), append(keys, k)
	}
	if len(keys) == 0 || len(keys) != begun { // pem.Decode skips what it cannot read
		return nil, nil, fmt.Errorf("read signing keys: %s does not consist of complete PEM blocks of type %q", path, pemType)
	}
	if !slices.IsSortedFunc(keys, func(a, b key) int { return a.created.Compare(b.created) }) {
		return nil, nil, fmt.Errorf("read signing keys: %s does not list its keys in the order of their creation", path)
	}
	return blocks, keys, nil
}

func parseKey(block *pem.Block) (key, error) {
	if block.Type != pemType {
		return key{}, fmt.Errorf("a PEM block has the type %q, not %q", block.Type, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return key{}, err
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return key{}, fmt.Errorf("a key is a %T, not an Ed25519 key", parsed)
	}
	var created time.Time
	if text := block.Headers[createdHeader]; text != "" {
		if created, err = time.Parse(time.RFC3339, text); err != nil {
			return key{}, fmt.Errorf("a key's %s header is not an RFC 3339 time", createdHeader)
		}
	}
	return newKey(private, created)
}

// newBlock creates a key. With a zero time, the block has no creation time, and the key signs immediately.
func newBlock(created time.Time) (*pem.Block, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("create a signing key: %w", err)
	}
	block := &pem.Block{Type: pemType, Bytes: der}
	if !created.IsZero() {
		block.Headers = map[string]string{createdHeader: created.UTC().Format(time.RFC3339)}
	}
	return block, nil
}

// writeKeys writes a temporary file beside path. Then place moves it to path, by a link or a rename.
func writeKeys(path string, blocks []*pem.Block, place func(from, to string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".signing-key-*") // 0600 from the start
	if err != nil {
		return fmt.Errorf("write signing keys: %w", err)
	}
	defer os.Remove(tmp.Name())
	var errs []error
	if replaced, err := os.Stat(path); err == nil {
		errs = append(errs, keepAccess(tmp, replaced))
	}
	for _, block := range blocks {
		errs = append(errs, pem.Encode(tmp, block))
	}
	if err := errors.Join(append(errs, tmp.Sync(), tmp.Close())...); err != nil {
		return fmt.Errorf("write signing keys: %w", err)
	}
	if _, _, err := readKeys(tmp.Name()); err != nil { // never install a file that cannot be read again
		return err
	}
	if err := place(tmp.Name(), path); err != nil {
		return fmt.Errorf("write signing keys: %w", err)
	}
	return nil
}
