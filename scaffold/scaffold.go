// Package scaffold writes the code of a program that is built on freehold: a new program, and a new owned type in one. It
// checks names before it writes anything, never overwrites a file, and removes what it wrote if a step fails. It must not know
// how a program serves: it writes files and runs the generator.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed all:templates
var templateFiles embed.FS

// file is a file to be written.
type file struct {
	path string // with the folder of the program
	text []byte
}

// render executes the templates of a folder. The path of a template below the folder, without .tmpl, is the path of its file;
// rename may give another.
func render(folder string, data any, rename func(path string) string) ([]file, error) {
	root, err := fs.Sub(templateFiles, "templates/"+folder)
	if err != nil {
		return nil, err
	}
	var files []file
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		t, err := template.New(path).Funcs(template.FuncMap{"add": func(a, b int) int { return a + b }}).Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, data); err != nil {
			return err
		}
		f := file{rename(strings.TrimSuffix(path, ".tmpl")), out.Bytes()}
		if filepath.Ext(f.path) == ".go" {
			if f.text, err = format.Source(f.text); err != nil {
				return fmt.Errorf("format %s: %w", f.path, err)
			}
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("render the templates of a %s: %w", folder, err)
	}
	return files, nil
}

// create writes new files, with their folders, and returns a function that removes them again. It fails if one of them
// exists, and then leaves nothing behind.
func create(files []file) (undo func() error, err error) {
	var made []string // files and folders, in the order in which they were made
	undo = func() error {
		var errs []error
		for i := len(made) - 1; i >= 0; i-- {
			if err := os.Remove(made[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	for _, f := range files {
		folders, err := makeFolder(filepath.Dir(f.path))
		made = append(made, folders...)
		if err != nil {
			return nil, errors.Join(err, undo())
		}
		w, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // source code is not secret
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s exists already, and is not overwritten", f.path)
		}
		if err != nil {
			return nil, errors.Join(err, undo())
		}
		made = append(made, f.path)
		_, err = w.Write(f.text)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, errors.Join(fmt.Errorf("write %s: %w", f.path, err), undo())
		}
	}
	return undo, nil
}

// makeFolder makes a folder and those above it, and returns the ones that did not exist, the outermost first.
func makeFolder(path string) (made []string, err error) {
	for at := path; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		made = append([]string{at}, made...)
	}
	for i, folder := range made {
		if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // source code is not secret
			return made[:i], fmt.Errorf("make a folder: %w", err)
		}
	}
	return made, nil
}
