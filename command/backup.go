package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"freehold.dev/freehold/app/operate"
)

// backup runs `freehold backup` with its arguments, on the private PostgreSQL unless FREEHOLD_BACKUP_URL is set.
func (c Command) backup(ctx context.Context, args []string, w io.Writer) (err error) {
	if len(args) != 1 || args[0] != "check" {
		return errors.New("usage: freehold backup check")
	}
	p, settings, err := c.load()
	if err != nil {
		return err
	}
	stop, err := usePrivate(ctx, p, &settings, settings.BackupURL == "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	r, err := operate.CheckBackup(ctx, p, settings)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "role %s, database %s, PostgreSQL %s\n%d tables, %d sequences, %d functions, %d large objects\n",
		r.Role, r.Database, r.Version, r.Tables, r.Sequences, r.Functions, r.LargeObjects)
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	if len(r.Problems) == 0 {
		text.WriteString("a dump by this role is complete\n")
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("a dump by this role is not complete:\n  %s", strings.Join(r.Problems, "\n  "))
	}
	return nil
}
