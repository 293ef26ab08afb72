package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// files are the texts of files by their names; nil for a file that does not exist.
type files map[string][]byte

// keep reads files that may be lost: gqlgen deletes its own before it generates them anew.
func keep(names ...string) (files, error) {
	kept := files{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read what was generated last: %w", err)
		}
		kept[name] = text
	}
	return kept, nil
}

// restore writes the files as they were kept. It returns the error that made this necessary, and those of its own.
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

// write replaces a file at once. It leaves a file with this text alone, so that Go need not compile it again.
func write(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once it is renamed
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
