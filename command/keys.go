package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/command/table"
)

var errKeysUsage = errors.New(`usage:
  freehold keys list          print the signing keys, oldest first
  freehold keys rotate        add a key, which signs after ten minutes
  freehold keys revoke [KID]  delete a key that others may have, or all of them, and sign with a new one immediately`)

// keys runs `freehold keys` with its arguments.
func (c Command) keys(args []string, w io.Writer) error {
	run := map[string]func(config.Config, string, io.Writer) error{"list": listKeys, "rotate": rotateKeys, "revoke": revokeKeys}
	if len(args) == 0 || run[args[0]] == nil || len(args) > 1 && (args[0] != "revoke" || len(args) > 2 || args[1] == "") {
		return errKeysUsage
	}
	_, settings, err := c.load()
	if err != nil {
		return err
	}
	return run[args[0]](settings, strings.Join(args[1:], ""), w)
}

func rotateKeys(c config.Config, _ string, w io.Writer) error {
	kid, path, err := operate.RotateKeys(c, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "added key %s to %s; it is used after ten minutes\n", kid, path)
	return err
}

func listKeys(c config.Config, _ string, w io.Writer) error {
	file, err := operate.KeysOf(c)
	if err != nil {
		return err
	}
	now := time.Now()
	keys, err := file.List(now)
	if err != nil {
		return err
	}
	rows := [][]string{{"KID", "CREATED", "AGE", "STATE"}}
	for _, k := range keys {
		created, age := "-", "-"
		if !k.Created.IsZero() {
			created, age = k.Created.UTC().Format(time.RFC3339), ageOf(now.Sub(k.Created))
		}
		rows = append(rows, []string{k.ID, created, age, string(k.State)})
	}
	_, err = io.WriteString(w, table.Format(rows))
	return err
}

// ageOf returns an age in days, or in hours and minutes on the first day.
func ageOf(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days > 0 {
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

func revokeKeys(c config.Config, kid string, w io.Writer) error {
	file, err := operate.KeysOf(c)
	if err != nil {
		return err
	}
	revoked, added, err := file.Revoke(kid, time.Now())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("deleted %s from %s\n", strings.Join(revoked, ", "), file.Path)
	if added != "" {
		text += fmt.Sprintf("added key %s, which signs immediately\n", added)
	}
	_, err = io.WriteString(w, text+`Servers that read this file notice within ten seconds. Give the file to those that have a copy, and restart them.
Access tokens and mailed codes of deleted keys are invalid. Sessions continue. See docs/incident.md.
`)
	return err
}
