//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.+)$`)

// machine describes, in one line, the machine of the run.
func (b *bench) machine(ctx context.Context) (string, error) {
	parts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := modelName.FindSubmatch(text); model != nil {
			parts = append(parts, string(model[1]))
		}
	}
	db, err := b.postgres.Open("postgres", "postgres")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var version string
	if err := db.QueryRowContext(ctx, `SHOW server_version`).Scan(&version); err != nil {
		return "", fmt.Errorf("ask for PostgreSQL's version: %w", err)
	}
	number, _, _ := strings.Cut(version, " ")
	parts = append(parts, "PostgreSQL "+number)
	if b.hasPeers() {
		out, err := exec.CommandContext(ctx, node, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("ask for Node's version: %w", err)
		}
		parts = append(parts, "Node "+strings.TrimSpace(string(out)))
	}
	return strings.Join(parts, ", "), nil
}
