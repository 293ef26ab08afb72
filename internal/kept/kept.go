// Package kept owns how a command that writes source code leaves a program as it was if it fails: it keeps the files as they are
// before a change, restores them, and replaces a file as a whole. It must not know what the files are for.
package kept

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files are files as they are before a change.
type Files struct {
	paths []string          // of the files and folders that may change
	texts map[string][]byte // of all files that exist, by path
}

// Read keeps files, and all files in folders. A path without a file is fine.
func Read(paths ...string) (*Files, error) {
	k := &Files{paths: paths, texts: map[string][]byte{}}
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
func (k *Files) each(f func(path string) error) error {
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

// Restore writes back the files that have changed, and removes new ones. After an error, it continues, and it returns all errors.
func (k *Files) Restore() error {
	var faults []error
	err := k.each(func(path string) error {
		if _, known := k.texts[path]; !known {
			faults = append(faults, os.Remove(path))
		}
		return nil
	})
	faults = append(faults, err)
	for path, text := range k.texts {
		faults = append(faults, Write(path, text))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("restore the program: %w", err)
	}
	return nil
}

// Write replaces a file atomically. It does not touch a file with the same content, so that Go does not compile it again.
func Write(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // source code is not secret
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
