package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// kept has files as they are before a change, and can restore them.
type kept struct {
	paths []string          // of the files and folders that may change
	texts map[string][]byte // of all files that exist, by path
}

// keep reads files, and all files in folders, of a program. A name without a file is fine.
func keep(root string, names ...string) (*kept, error) {
	k := &kept{texts: map[string][]byte{}}
	for _, name := range names {
		k.paths = append(k.paths, filepath.Join(root, name))
	}
	err := k.each(func(path string) error {
		text, err := os.ReadFile(path)
		k.texts[path] = text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	return k, nil
}

// each calls f for each file that exists.
func (k *kept) each(f func(path string) error) error {
	for _, path := range k.paths {
		err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			return f(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// restore writes back the files that have changed, and removes new ones.
func (k *kept) restore() error {
	err := k.each(func(path string) error {
		if _, known := k.texts[path]; !known {
			return os.Remove(path)
		}
		return nil
	})
	for path, text := range k.texts {
		if now, errRead := os.ReadFile(path); errRead != nil || !bytes.Equal(now, text) {
			err = errors.Join(err, os.WriteFile(path, text, 0o644)) //nolint:gosec // source code is not secret
		}
	}
	return err
}
