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

// socketPort is a part of the socket's name. No TCP port is opened.
const socketPort = "5432"

const socketName = ".s.PGSQL." + socketPort

// socketPathMax is the longest path of a socket: 107 bytes on Linux, 103 on macOS.
const socketPathMax = len(syscall.RawSockaddrUnix{}.Path) - 1

// socketFolder is in the data folder, or in the system's temporary folder if the
// path of the data folder does not fit a socket.
func (f folder) socketFolder() string {
	if inside := f.in("s"); fitsSocket(inside) {
		return inside
	}
	return filepath.Join(os.TempDir(), f.marker())
}

// fitsSocket reports whether a folder's path is short enough, and has no
// characters with a meaning in the server's list of socket folders or in a
// connection string.
func fitsSocket(dir string) bool {
	return len(filepath.Join(dir, socketName)) <= socketPathMax && !strings.ContainsAny(dir, `,"`)
}

// makeSocketFolder creates the folder that keeps other users from the socket. In
// a shared temporary folder, another user may have created it first, which is an
// error.
func (f folder) makeSocketFolder(a account) error {
	dir := f.socketFolder()
	if !fitsSocket(dir) {
		return fmt.Errorf("the path %s is too long for a socket or has special characters: set FREEHOLD_DATA_DIR to a shorter one", dir)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("creating the socket's folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("checking the socket's folder: %w", err)
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
	_ = os.Remove(f.socketFolder()) // it stays if it has other files
}

// removeSocket removes the files of a killed server. The process id in the
// socket's lock may belong to another process by now.
func (f folder) removeSocket() {
	socket := filepath.Join(f.socketFolder(), socketName)
	_ = os.Remove(socket) // usually there is none
	_ = os.Remove(socket + ".lock")
}
