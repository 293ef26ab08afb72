package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"freehold.dev/freehold/app/operate"
)

// errIll makes the command fail, so that a script notices.
var errIll = errors.New("something does not work: see the lines with FAIL")

// doctor runs `freehold doctor` with its arguments, on the private PostgreSQL unless DATABASE_URL is set.
func (c Command) doctor(ctx context.Context, args []string, w io.Writer) (err error) {
	if len(args) > 1 || len(args) == 1 && args[0] != "--json" {
		return errors.New("usage: freehold doctor [--json]")
	}
	p, settings, err := c.load()
	if err != nil {
		return err
	}
	stop, err := usePrivate(ctx, p, &settings, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	findings, failed := operate.Examine(ctx, p, settings, nil)
	if len(args) == 1 {
		err = json.NewEncoder(w).Encode(map[string]any{"checks": findings, "failed": failed})
	} else {
		err = printFindings(w, findings)
	}
	if err == nil && failed {
		err = errIll
	}
	return err
}

// printFindings prints a line for each finding.
func printFindings(w io.Writer, findings []operate.Finding) error {
	var b strings.Builder
	for _, f := range findings {
		text := strings.Join(strings.Fields(f.Text), " ")
		if f.Advice != "" {
			text += ". To do: " + f.Advice
		}
		fmt.Fprintf(&b, "%-4s  %-20s  %s\n", f.Level, f.Check, text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
