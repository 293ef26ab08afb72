//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// socketPort is no port: it is a part of the socket's name.
const socketPort = "5432"

const socketName = ".s.PGSQL." + socketPort

// socketPathMax is the longest path of a socket: 107 bytes on Linux, 103 on macOS.
const socketPathMax = len(syscall.RawSockaddrUnix{}.Path) - 1

// socketFolder lies in the data folder, or in the system's temporary folder
// when the data folder's path does not do for a socket.
func (f folder) socketFolder() string {
	if inside := f.in("s"); fitsSocket(inside) {
		return inside
	}
	return filepath.Join(os.TempDir(), f.marker())
}

// fitsSocket tells whether a folder's path is short enough, and free of what
// the server's list of socket folders or a connection string reads in its own way.
func fitsSocket(dir string) bool {
	return len(filepath.Join(dir, socketName)) <= socketPathMax && !strings.ContainsAny(dir, `,"`)
}

// makeSocketFolder makes the folder that keeps other users from the socket.
// In a shared temporary folder another may have made it first: that is refused.
func (f folder) makeSocketFolder(a account) error {
	dir := f.socketFolder()
	if !fitsSocket(dir) {
		return fmt.Errorf("the path %s is too long or too odd for a socket: set FREEHOLD_DATA_DIR to a shorter one", dir)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the socket's folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("looking at the socket's folder: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	private := info.IsDir() && info.Mode().Perm() == 0o700
	if !private || (owner != a.uid && owner != uint32(os.Geteuid())) {
		return fmt.Errorf("%s must be a folder of mode 0700 that belongs to user %s: remove it", dir, a.name)
	}
	return a.own(dir)
}

func (f folder) removeSocketFolder() {
	f.removeSocket()
	_ = os.Remove(f.socketFolder()) // it stays if there is anything else in it
}

// removeSocket removes what a killed server left. The lock names a process id,
// which may since have gone to another process.
func (f folder) removeSocket() {
	socket := filepath.Join(f.socketFolder(), socketName)
	_ = os.Remove(socket) // mostly there is none
	_ = os.Remove(socket + ".lock")
}
