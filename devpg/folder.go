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

// A folder is the path of a data folder. It knows where things lie in it.
type folder string

func (f folder) in(name string) string { return filepath.Join(string(f), name) }

func (f folder) data() string     { return f.in("data") }
func (f folder) password() string { return f.in("password") }
func (f folder) log() string      { return f.in("postgres.log") }

// marker is a short name of the folder, fit for process titles and for names of files.
func (f folder) marker() string {
	sum := sha256.Sum256([]byte(f))
	return "devpg-" + hex.EncodeToString(sum[:8])
}

func absolute(dir string) (folder, error) {
	if dir == "" {
		return "", errors.New("no data folder was named")
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the data folder: %w", err)
	}
	return folder(path), nil
}

// make makes the folder if it is missing and returns it without symbolic
// links, so that it has one name whichever way it is reached.
func (f folder) make(a account) (folder, error) {
	if err := makeFolders(string(f)); err != nil {
		return "", fmt.Errorf("making the data folder: %w", err)
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

// makeFolders is os.MkdirAll, but others can enter what it makes (not look
// around in it), whatever the umask: the server may run as another user.
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

// checkOwner refuses a cluster that another system user made. PostgreSQL
// would refuse it as well, but could not say what to do about it.
func (f folder) checkOwner(a account) error {
	info, err := os.Stat(f.data())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the data folder: %w", err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != a.uid {
		return fmt.Errorf("%s belongs to user %s, but PostgreSQL would run as user %s:"+
			" start as the user that made it, or set FREEHOLD_DATA_DIR to another folder", f.data(), userName(owner), a.name)
	}
	return nil
}

// version is the major version that made the cluster's files, or "" if there are none.
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

// unfinished begins the names under which initdb works.
const unfinished = "data.new"

// makeUnfinished makes a folder for initdb, with a new name each time: an
// initdb whose parent was killed may still be writing to the last one.
func (f folder) makeUnfinished(a account) (string, error) {
	path, err := os.MkdirTemp(string(f), unfinished+"-*")
	if err != nil {
		return "", fmt.Errorf("making a folder for initdb: %w", err)
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
			_ = os.RemoveAll(f.in(entry.Name())) // it fails if initdb still writes: the next start tries again
		}
	}
	return nil
}

// logTail names the server's log and quotes its end.
func (f folder) logTail() string {
	const lines = 15
	content, err := os.ReadFile(f.log())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return fmt.Sprintf("%s ends with:\n%s", f.log(), strings.Join(all[max(0, len(all)-lines):], "\n"))
}
