//go:build unix

package devpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoServer means that this machine has no PostgreSQL server binaries.
var ErrNoServer = errors.New("no PostgreSQL server was found on this machine:" +
	" install one (apt install postgresql, or brew install postgresql)," +
	" or name its folder of binaries in PG_BIN, or set DATABASE_URL to a running server")

// serverFolders are the usual folders of server binaries.
var serverFolders = []string{
	"/usr/lib/postgresql/*/bin", // Debian
	"/usr/pgsql-*/bin",          // Red Hat
	"/opt/homebrew/opt/postgresql@*/bin",
	"/opt/homebrew/opt/postgresql/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findServer returns the folder of the server binaries to use: pgBin if it is
// set, otherwise the newest. If major is not empty, the version must match.
func findServer(ctx context.Context, pgBin, major string) (string, error) {
	if pgBin == "" {
		return chooseServer(ctx, installedServers(), major)
	}
	bin, err := filepath.Abs(pgBin)
	if err != nil {
		return "", fmt.Errorf("finding PG_BIN: %w", err)
	}
	if !hasServer(bin) {
		return "", fmt.Errorf("PG_BIN is set to %s, which does not contain postgres and initdb", pgBin)
	}
	return chooseServer(ctx, []string{bin}, major)
}

// installedServers returns the folders with server binaries, best first.
func installedServers() []string {
	var found []string
	for _, pattern := range serverFolders {
		matches, _ := filepath.Glob(pattern) // fails only on a bad pattern
		newestFirst(matches)
		found = append(found, matches...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(path))
		}
	}
	var servers []string
	for _, bin := range found {
		if hasServer(bin) && !slices.Contains(servers, bin) {
			servers = append(servers, bin)
		}
	}
	return servers
}

// hasServer reports whether a folder has the binaries of a server, not only of a client.
func hasServer(bin string) bool {
	for _, program := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(bin, program))
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var versionInPath = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// newestFirst sorts paths by the version in them, as numbers: 9.6 is older than 15.
func newestFirst(paths []string) {
	version := func(path string) float64 {
		number, _ := strconv.ParseFloat(versionInPath.FindString(path), 64) // none: 0
		return number
	}
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
}

func chooseServer(ctx context.Context, bins []string, major string) (string, error) {
	if len(bins) == 0 {
		return "", ErrNoServer
	}
	if major == "" {
		return bins[0], nil
	}
	var others []string
	for _, bin := range bins {
		version, err := serverVersion(ctx, bin)
		if err != nil {
			return "", err
		}
		if isMajor(major, version) {
			return bin, nil
		}
		others = append(others, version)
	}
	return "", fmt.Errorf("the data folder was created by PostgreSQL %s, but the installed server is %s:"+
		" install PostgreSQL %s, or set FREEHOLD_DATA_DIR to a new folder", major, strings.Join(others, ", "), major)
}

// serverVersion parses the output of the binary: "postgres (PostgreSQL) 15.3 (Debian 15.3-1)".
func serverVersion(ctx context.Context, bin string) (string, error) {
	output, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("reading the version of %s/postgres: %w", bin, err)
	}
	words := strings.Fields(string(output))
	if len(words) < 3 {
		return "", fmt.Errorf("reading the version of %s/postgres: unexpected output %q", bin, output)
	}
	return words[2], nil
}

// isMajor reports whether a version such as 15.3, 17beta1 or 9.6.2 has a major version.
func isMajor(major, version string) bool {
	rest, found := strings.CutPrefix(version, major)
	return found && (rest == "" || rest[0] < '0' || rest[0] > '9')
}
