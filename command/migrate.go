package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/command/table"
)

// migrate runs `freehold migrate`, with " --dry-run" or " status" as its mode. Notes get what it waits for.
func migrate(ctx context.Context, p *app.Program, c config.Config, mode string, w, notes io.Writer) error {
	m, err := p.Migrator(c)
	if err != nil {
		return err
	}
	if mode == "" {
		m.Notice = func(err error) {
			fmt.Fprintf(notes, "freehold: waiting for a lock of another session: %v\n", err) //nolint:errcheck // it migrates nevertheless
		}
		done, err := m.Run(ctx)
		if printed := printChanges(w, done, "migrated", "up to date"); err == nil {
			err = printed
		}
		return err
	}
	plan, err := m.Plan(ctx)
	switch {
	case err != nil:
		return err
	case mode == " status":
		return printStatus(w, plan)
	default:
		return printChanges(w, plan, "would be migrated", "is up to date")
	}
}

// printChanges prints a line for each set of migrations, and one for each new migration.
func printChanges(w io.Writer, changes []app.MigrationChange, some, none string) error {
	var b strings.Builder
	for _, c := range changes {
		switch {
		case c.From > c.Build:
			fmt.Fprintf(&b, "%s: %s, by a newer build\n", c.Set, none)
		case c.None():
			fmt.Fprintf(&b, "%s: %s, at %d\n", c.Set, none, c.From)
		default:
			fmt.Fprintf(&b, "%s: %s from %d to %d, with %d new or changed functions\n", c.Set, some, c.From, c.Build, len(c.Functions))
		}
		for _, file := range c.Migrations {
			fmt.Fprintf(&b, "  %s\n", file)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printStatus prints a table with a row for each set of migrations.
func printStatus(w io.Writer, plan []app.MigrationChange) error {
	rows := [][]string{{"SET", "DATABASE", "BUILD", "STATUS"}}
	for _, c := range plan {
		rows = append(rows, []string{c.Set, strconv.FormatInt(c.From, 10), strconv.FormatInt(c.Build, 10), statusOf(c)})
	}
	_, err := io.WriteString(w, table.Format(rows))
	return err
}

func statusOf(c app.MigrationChange) string {
	switch {
	case c.From > c.Build && c.Serves <= c.Build:
		return fmt.Sprintf("newer; serves builds from %d, so this build can serve it", c.Serves)
	case c.From > c.Build:
		return fmt.Sprintf("newer; serves builds from %d, so this build cannot serve it: upgrade %s", c.Serves, c.Set)
	case len(c.Migrations) > 0:
		return fmt.Sprintf("%d migrations to run: run `freehold migrate`", len(c.Migrations))
	case len(c.Functions) > 0:
		return fmt.Sprintf("%d functions to change: run `freehold migrate`", len(c.Functions))
	default:
		return fmt.Sprintf("up to date; serves builds from %d", c.Serves)
	}
}
