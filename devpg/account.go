//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that PostgreSQL runs as.
type account struct {
	name       string
	uid, gid   uint32
	credential *syscall.Credential // nil for our own user
}

// serverAccount returns our own user. For root, as which PostgreSQL refuses to run, it returns another one.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		uid := os.Geteuid()
		return account{name: userName(uint32(uid)), uid: uint32(uid), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return otherAccount(found)
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and this machine has no user postgres or nobody")
}

func otherAccount(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the id of user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the group id of user %s: %w", u.Username, err)
	}
	return account{
		name: u.Username, uid: uint32(uid), gid: uint32(gid),
		credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}, nil
}

// userName returns the name of our own user, or the number if there is no name.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// command prepares a program to run as the account. It does not inherit our
// environment: PG* variables would change the server, and others are secret.
//
// When ctx ends, the program gets a signal to end before it is killed: a
// killed initdb leaves shared memory behind.
func (a account) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir // the account may not be able to enter ours
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true, // a group of its own: Ctrl-C reaches only us
		Credential: a.credential,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd
}

// own makes the account the owner of a path.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("giving %s to user %s: %w", path, a.name, err)
	}
	return nil
}

// checkReach returns an error that names the first folder in the path of dir
// that the account cannot enter.
func (a account) checkReach(dir string) error {
	if parent := filepath.Dir(dir); parent != dir {
		if err := a.checkReach(parent); err != nil {
			return err
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("checking the path of the data folder: %w", err)
	}
	if !a.canEnter(info) {
		return fmt.Errorf("user %s, as which PostgreSQL runs, cannot enter %s:"+
			" set FREEHOLD_DATA_DIR to a folder that this user can reach", a.name, dir)
	}
	return nil
}

// canEnter checks the permission bits as the kernel does: the first matching
// class decides.
func (a account) canEnter(info fs.FileInfo) bool {
	const ownerEnters, groupEnters, othersEnter = 0o100, 0o010, 0o001
	switch stat := info.Sys().(*syscall.Stat_t); {
	case stat.Uid == a.uid:
		return info.Mode()&ownerEnters != 0
	case stat.Gid == a.gid:
		return info.Mode()&groupEnters != 0
	default:
		return info.Mode()&othersEnter != 0
	}
}
