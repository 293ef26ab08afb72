package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
)

var errUsage = errors.New(`usage:
  freehold access [--format=text|markdown|json] [--diff OLD.json]
  freehold access explain --as USER TYPE.FIELD [ID]`)

// errWidened makes the command fail, so that a build can require a review.
var errWidened = errors.New("access was widened")

// access runs `freehold access` with its arguments.
func (c Command) access(ctx context.Context, args []string, w io.Writer) error {
	p, err := c.Program()
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "explain" {
		return explainAccess(ctx, p, args[1:], w)
	}
	return printAccess(p, args, w)
}

// printAccess prints the access matrix, or its difference from an earlier one.
func printAccess(p *app.Program, args []string, w io.Writer) error {
	flags := flag.NewFlagSet("access", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	format := flags.String("format", "text", "")
	diff := flags.String("diff", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.Join(err, errUsage)
	}
	matrix := p.Access()
	if *diff != "" {
		return printDifference(*diff, matrix, w)
	}
	switch *format {
	case "text":
		return matrix.WriteText(w)
	case "markdown":
		return matrix.WriteMarkdown(w)
	case "json":
		return matrix.WriteJSON(w)
	}
	return fmt.Errorf("--format: %q is not text, markdown or json", *format)
}

func printDifference(path string, now *access.Matrix, w io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	defer file.Close()
	before, err := access.ReadJSON(file)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	d := access.Diff(before, now)
	if err := d.Write(w); err != nil {
		return err
	}
	if len(d.Widened) > 0 {
		return errWidened
	}
	return nil
}

// explainAccess prints what a viewer gets from a field, and why. It uses the private PostgreSQL of a running server, or starts one.
func explainAccess(ctx context.Context, p *app.Program, args []string, w io.Writer) (err error) {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	as := flags.String("as", "", "")
	if err := flags.Parse(args); err != nil || *as == "" || flags.NArg() < 1 || flags.NArg() > 2 {
		return errors.Join(err, errUsage)
	}
	c, err := loadConfig(p)
	if err != nil {
		return err
	}
	stop, err := usePrivate(ctx, p, &c, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return p.ExplainAccess(ctx, c, *as, flags.Arg(0), flags.Arg(1), w)
}
