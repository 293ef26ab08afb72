package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	pemType       = "PRIVATE KEY" // PKCS #8
	createdHeader = "Created"     // of a PEM block: when the key was created, RFC 3339
)

func readKeys(path string) (blocks []*pem.Block, keys []Key, err error) {
	text, err := ReadFile(path)
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
	if !slices.IsSortedFunc(keys, func(a, b Key) int { return a.Created.Compare(b.Created) }) {
		return nil, nil, fmt.Errorf("read signing keys: %s does not list its keys in the order of their creation", path)
	}
	return blocks, keys, nil
}

func parseKey(block *pem.Block) (Key, error) {
	if block.Type != pemType {
		return Key{}, fmt.Errorf("a PEM block has the type %q, not %q", block.Type, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, err
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("a key is a %T, not an Ed25519 key", parsed)
	}
	var created time.Time
	if text := block.Headers[createdHeader]; text != "" {
		if created, err = time.Parse(time.RFC3339, text); err != nil {
			return Key{}, fmt.Errorf("a key's %s header is not an RFC 3339 time", createdHeader)
		}
	}
	return newKey(private, created), nil
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
