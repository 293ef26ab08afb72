//go:build unix

package devpg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// folder is the path of a data folder. It knows the paths in it.
type folder string

func (f folder) in(name string) string { return filepath.Join(string(f), name) }

func (f folder) data() string     { return f.in("data") }
func (f folder) password() string { return f.in("password") }
func (f folder) log() string      { return f.in("postgres.log") }

// marker returns a short name of the folder, for process titles and file names.
func (f folder) marker() string {
	sum := sha256.Sum256([]byte(f))
	return "devpg-" + hex.EncodeToString(sum[:8])
}

func absolute(dir string) (folder, error) {
	if dir == "" {
		return "", errors.New("the path of the data folder is empty")
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the data folder: %w", err)
	}
	return folder(path), nil
}

// make creates the folder if it is missing, and returns its path without
// symbolic links, so that each folder has one name.
func (f folder) make(a account) (folder, error) {
	if err := makeFolders(string(f)); err != nil {
		return "", fmt.Errorf("creating the data folder: %w", err)
	}
	path, err := filepath.EvalSymlinks(string(f))
	if err != nil {
		return "", fmt.Errorf("finding the data folder: %w", err)
	}
	if a.credential == nil {
		return folder(path), nil
	}
	return folder(path), a.checkReach(path)
}

// makeFolders is os.MkdirAll, but other users can enter the new folders (not
// list them), whatever the umask is: the server may run as another user.
func makeFolders(path string) error {
	const enter = 0o711
	err := os.Mkdir(path, enter)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeFolders(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, enter)
	}
	if err != nil {
		return err
	}
	return os.Chmod(path, enter)
}

// checkOwner returns an error for a cluster of another system user. PostgreSQL
// would fail as well, but its error does not say what to do.
func (f folder) checkOwner(a account) error {
	info, err := os.Stat(f.data())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("checking the data folder: %w", err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != a.uid {
		return fmt.Errorf("%s belongs to user %s, but PostgreSQL would run as user %s:"+
			" start as the user that made it, or set FREEHOLD_DATA_DIR to another folder", f.data(), userName(owner), a.name)
	}
	return nil
}

// version returns the major version of the cluster's files, or "" if there are none.
func (f folder) version() (string, error) {
	content, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the data folder's version: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// unfinished is the prefix of the folders in which initdb works.
const unfinished = "data.new"

// makeUnfinished creates a folder for initdb, with a new name each time: an
// initdb whose parent was killed may still be writing to the last one.
func (f folder) makeUnfinished(a account) (string, error) {
	path, err := os.MkdirTemp(string(f), unfinished+"-*")
	if err != nil {
		return "", fmt.Errorf("creating a folder for initdb: %w", err)
	}
	return path, a.own(path)
}

func (f folder) removeUnfinished() error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("reading the data folder: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unfinished) {
			_ = os.RemoveAll(f.in(entry.Name())) // if this fails because initdb still writes, the next start tries again
		}
	}
	return nil
}

// logTail returns the path of the server's log and its last lines.
func (f folder) logTail() string {
	const lines = 15
	content, err := os.ReadFile(f.log())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return fmt.Sprintf("%s ends with:\n%s", f.log(), strings.Join(all[max(0, len(all)-lines):], "\n"))
}
