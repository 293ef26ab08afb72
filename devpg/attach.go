//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Attach returns a function that makes connection strings, like [Cluster.URL],
// for the server that another process runs on a data folder. Call it after
// [Start] has returned [ErrInUse]. The server ends with its process.
func Attach(dir string) (url func(role, database string) string, err error) {
	f, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	path, err := filepath.EvalSymlinks(string(f))
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	f = folder(path)
	if _, err := os.Stat(filepath.Join(f.socketFolder(), socketName)); err != nil {
		return nil, errors.New("the private PostgreSQL in " + path + " does not accept connections yet")
	}
	password, err := os.ReadFile(f.password())
	if err != nil {
		return nil, fmt.Errorf("reading the private PostgreSQL's password: %w", err)
	}
	return func(role, database string) string { return f.url(strings.TrimSpace(string(password)), role, database) }, nil
}
