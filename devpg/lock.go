//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ErrInUse means that another cluster runs on the data folder.
var ErrInUse = errors.New("the data folder of the private PostgreSQL is in use")

// lock reserves a data folder for one cluster. The kernel releases it when the
// process ends; the postmaster does not inherit it.
type lock struct{ file *os.File }

// acquire takes the lock and writes our process id to the file, for error messages.
func (f folder) acquire() (*lock, error) {
	file, err := os.OpenFile(f.in("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	l := &lock{file}
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, f.inUse()
		}
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err = l.sign(); err != nil {
		l.release()
		return nil, fmt.Errorf("writing to the data folder's lock: %w", err)
	}
	return l, nil
}

func (l *lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func (f folder) inUse() error {
	holder, err := os.ReadFile(f.in("lock"))
	if err != nil {
		return fmt.Errorf("%w: %s (reading the id of its process: %w)", ErrInUse, f, err)
	}
	return fmt.Errorf("%w: process %s uses %s: stop it, or set FREEHOLD_DATA_DIR to another folder,"+
		" or DATABASE_URL to a server of your own", ErrInUse, strings.TrimSpace(string(holder)), f)
}

// release unlocks and closes the file. Closing is not enough: a process that is
// being forked elsewhere in this program has a copy of the file for a moment.
func (l *lock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
