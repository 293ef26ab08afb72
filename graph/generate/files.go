package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// files are the contents of files by name; nil for a file that does not exist.
type files map[string][]byte

// keep reads the files that generate may lose: gqlgen deletes its own files before it generates new ones.
func keep(names ...string) (files, error) {
	kept := files{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the generated files: %w", err)
		}
		kept[name] = text
	}
	return kept, nil
}

// restore writes the files back. It returns the cause, joined with its own errors.
func (kept files) restore(cause error) error {
	for name, text := range kept {
		if text == nil {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				cause = errors.Join(cause, fmt.Errorf("remove a file that was not there before: %w", err))
			}
		} else if err := write(name, text); err != nil {
			cause = errors.Join(cause, fmt.Errorf("restore a file: %w", err))
		}
	}
	return cause
}

// write replaces a file atomically. It does not touch a file with the same content, so that Go does not compile it again.
func write(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // source code is not secret
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
