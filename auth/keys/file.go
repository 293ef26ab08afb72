package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// rotationWait is how long a rotation waits for another one. A rotation takes milliseconds.
const rotationWait = 10 * time.Second

// checkMode refuses a key file that other users can read or change. Its group can read it, since orchestrators mount secrets that
// way.
func checkMode(path string, mode fs.FileMode) error {
	if mode.Perm()&0o037 != 0 {
		return fmt.Errorf("%s has mode %04o, which lets other users read it or its group change it; run chmod 600 or chmod 440 on it", path, mode.Perm())
	}
	return nil
}

// ReadFile reads a file with keys. It refuses a file that other users than its owner and group can read.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := checkMode(path, info.Mode()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// CreateFile creates a file with keys that only its owner can read. It creates the file atomically, and the error is fs.ErrExist if
// there is one.
func CreateFile(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}

// lockKeys locks a key file for one rotation, among all processes on the machine, until unlock is called or the process ends. The
// lock is a separate file, since a rotation replaces the key file. It belongs to the owner of the key file, who may rotate next.
func lockKeys(path string) (unlock func() error, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() != 0 && os.Geteuid() != int(stat.Uid) {
		return nil, fmt.Errorf("change signing keys: %s belongs to user %d: run this as that user or as root, so that the new file has the same owner", path, stat.Uid)
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock signing keys: %w", err)
	}
	if err := giveTo(stat, file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock signing keys: %w", err), file.Close())
	}
	for deadline := time.Now().Add(rotationWait); ; time.Sleep(10 * time.Millisecond) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("lock signing keys: another rotation of %s may be in progress: %w", path, err), file.Close())
		}
	}
}

// giveTo gives a lock file to the owner of the key file, if root has created it. Root must not give away a file that somebody else has put
// in its place, such as a link to a file of the system.
func giveTo(owner *syscall.Stat_t, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	its, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner == nil {
		return nil // no Unix
	}
	if !info.Mode().IsRegular() || its.Nlink != 1 {
		return fmt.Errorf("%s is not an ordinary file: delete it", file.Name())
	}
	if os.Geteuid() != 0 || its.Uid == owner.Uid && its.Gid == owner.Gid {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}

// keepAccess gives a file the owner, group and mode of the file that it replaces, so that the same users can read it.
func keepAccess(file *os.File, replaced fs.FileInfo) error {
	if stat, ok := replaced.Sys().(*syscall.Stat_t); ok {
		if err := file.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return fmt.Errorf("give the new file the owner and group of the old one; run this as its owner or as root: %w", err)
		}
	}
	return file.Chmod(replaced.Mode().Perm())
}
