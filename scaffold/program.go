package scaffold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Program is a program to be created.
type Program struct {
	Module   string            // the path of its Go module
	Version  string            // of freehold
	Checkout string            // a folder with freehold's source that is used in the place of the version; "" for none
	Schema   map[string]string // the texts of freehold's schema files, by their names
}

// Name is the name of the command.
func (p Program) Name() string { return path.Base(p.Module) }

// modulePath is what Go accepts as the path of a module, more narrowly: no upper case, and no part that begins with a dot.
var modulePath = regexp.MustCompile(`^[a-z0-9][a-z0-9._~-]*(/[a-z0-9_~-][a-z0-9._~-]*)*$`)

func (p Program) check() error {
	switch {
	case p.Module == "":
		return errors.New("--module is required: the path of the new Go module, such as example.com/notes")
	case !modulePath.MatchString(p.Module):
		return fmt.Errorf("--module: %q is not the path of a Go module, such as example.com/notes", p.Module)
	case p.Name() == "main" || isReservedWord(p.Name()) || !regexp.MustCompile(`^[a-z]`).MatchString(p.Name()):
		return fmt.Errorf("--module: the last part of %q, which names the command, must begin with a letter and must not be a reserved word", p.Module)
	}
	if p.Checkout == "" {
		if !strings.HasPrefix(p.Version, "v") {
			return errors.New("this build of freehold has no version: name a folder with its source by --freehold")
		}
		return nil
	}
	text, err := os.ReadFile(filepath.Join(p.Checkout, "go.mod"))
	if err != nil || !bytes.HasPrefix(text, []byte("module freehold.dev/freehold\n")) {
		return fmt.Errorf("--freehold: %s is not a folder with freehold's source", p.Checkout)
	}
	return nil
}

// NewProgram creates a program in a new or empty folder, runs the generator and builds it. If a step fails, nothing is left behind. out
// gets what to do next.
func NewProgram(ctx context.Context, dir string, p Program, out io.Writer) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	data := programData{Program: p, Replace: p.Checkout}
	if p.Checkout != "" {
		if data.Replace, err = replacement(dir, p.Checkout); err != nil {
			return err
		}
		data.Version = "v0.0.0"
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty, and nothing in it is overwritten", dir)
	}
	files, err := render("program", data, func(name string) string {
		return filepath.Join(dir, filepath.FromSlash(name))
	})
	if err != nil {
		return err
	}
	for name, text := range p.Schema {
		files = append(files, file{filepath.Join(dir, "schema", name), []byte(text)})
	}
	_, existed := os.Stat(dir)
	if _, err := create(files); err != nil {
		return err
	}
	defer func() {
		if err != nil { // what the tools wrote goes too: the folder was new or empty
			err = errors.Join(err, clear(dir, existed != nil))
		}
	}()
	for _, args := range [][]string{{"mod", "tidy"}, {"tool", "freehold.dev/freehold/graph/generate"}, {"mod", "tidy"}, {"build", "./..."}} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(text))
		}
	}
	fmt.Fprintf(out, "created a program in %s\nrun      cd %[1]s && go run .\ntest     go test ./...\nextend   freehold new type Note body:String!\n", dir) //nolint:errcheck // it is created, even if nobody reads this
	return nil
}

// replacement returns a folder in the form that a go.mod in dir needs: relative to dir if it was given so.
func replacement(dir, folder string) (string, error) {
	if filepath.IsAbs(folder) {
		return folder, nil
	}
	from, err1 := filepath.Abs(dir)
	to, err2 := filepath.Abs(folder)
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	relative, err := filepath.Rel(from, to)
	return filepath.ToSlash(relative), err
}

// programData is what the templates of a program see.
type programData struct {
	Program

	Replace string // a folder with freehold's source; "" for none
}

// clear removes what is in a folder, and the folder itself if it is new.
func clear(dir string, isNew bool) error {
	if isNew {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}
