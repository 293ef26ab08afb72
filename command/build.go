package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/scaffold"
)

// initProgram runs `freehold init` with its arguments.
func (c Command) initProgram(ctx context.Context, args []string, w io.Writer) error {
	usage := errors.New("usage: freehold init DIR --module PATH [--freehold CHECKOUT]")
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	module := flags.String("module", "", "")
	checkout := flags.String("freehold", "", "")
	names, err := parseMixed(flags, args)
	if err != nil || len(names) != 1 {
		return errors.Join(err, usage)
	}
	files, err := c.schemaFiles()
	if err != nil {
		return err
	}
	return scaffold.NewProgram(ctx, names[0], scaffold.Program{Module: *module, Version: app.ReadBuild().Version, Checkout: *checkout, Schema: files}, w)
}

// newType runs `freehold new` with its arguments.
func newType(ctx context.Context, args []string, w io.Writer) error {
	usage := errors.New("usage: freehold new type NAME FIELD:TYPE... [--visible=owner|visibility] [--plural=NAME]")
	if len(args) == 0 || args[0] != "type" {
		return usage
	}
	flags := flag.NewFlagSet("new", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	visible := flags.String("visible", "", "")
	plural := flags.String("plural", "", "")
	names, err := parseMixed(flags, args[1:])
	if err != nil || len(names) == 0 {
		return errors.Join(err, usage)
	}
	t, err := scaffold.ParseType(names[0], *plural, *visible, names[1:])
	if err != nil {
		return err
	}
	return scaffold.NewType(ctx, ".", t, w)
}

// parseMixed parses flags that stand anywhere among other arguments, and returns the others.
func parseMixed(flags *flag.FlagSet, args []string) (others []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, flags.Arg(0)), flags.Args()[1:]
	}
}

// writeFiles writes schema files into a folder. It replaces files of these names, which are copies.
func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // source code is not secret
		return fmt.Errorf("write the schema files: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // as above
			return fmt.Errorf("write the schema files: %w", err)
		}
	}
	return nil
}

// schemaFiles returns freehold's schema files by the names that they have in other programs.
func (c Command) schemaFiles() (map[string]string, error) {
	if c.Schema == nil {
		return nil, errNoSource
	}
	files := map[string]string{}
	for name, as := range map[string]string{"schema.graphqls": "freehold.graphqls", "federation.graphqls": "federation.graphqls"} {
		text, err := fs.ReadFile(c.Schema, name)
		if err != nil {
			return nil, err
		}
		files[as] = string(text)
	}
	return files, nil
}
