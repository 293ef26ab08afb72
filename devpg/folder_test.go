//go:build unix

package devpg

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestSecondInstanceInThisProcess(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	link := dir + "-link"
	must(t, os.Symlink(dir, link))
	for _, name := range []string{dir, link} {
		isInUse(t, startFails(t, Options{Dir: name}), dir, os.Getpid())
	}
	queryIs(t, open(t, c), "SELECT 1", "1")
}

func TestSecondInstanceInAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	other := startProgram(t, dir)
	isInUse(t, startFails(t, Options{Dir: dir}), dir, other.Process.Pid)
}

// A fork elsewhere in the program has a copy of the file until it execs.
func TestReleasedLockIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	f := folder(newDir(t))
	must(t, makeFolders(string(f)))
	first, err := f.acquire()
	must(t, err)
	duplicate, err := syscall.Dup(int(first.file.Fd()))
	must(t, err)
	defer syscall.Close(duplicate)
	first.release()
	second, err := f.acquire()
	must(t, err)
	second.release()
}

func isInUse(t *testing.T, err error, dir string, holder int) {
	t.Helper()
	if !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	contains(t, err.Error(), "process "+strconv.Itoa(holder)+" uses "+dir, "FREEHOLD_DATA_DIR", "DATABASE_URL")
}

func TestMissingPasswordDeletesNothing(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	run(t, open(t, c), "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('still here')")
	must(t, c.Stop())
	password := c.folder.password()
	must(t, os.Rename(password, password+".away"))
	contains(t, startFails(t, Options{Dir: dir}).Error(), c.folder.data(), password)

	must(t, os.Rename(password+".away", password))
	queryIs(t, open(t, start(t, Options{Dir: dir})), "SELECT v FROM kept", "still here")
}

// Root tests a folder that the server's user cannot enter; another user tests
// one that it cannot enter itself.
func TestFolderOutOfReach(t *testing.T) {
	t.Parallel()
	closed := newDir(t)
	must(t, os.Mkdir(closed, 0o700))
	want := []string{"cannot enter " + closed + ":", "FREEHOLD_DATA_DIR"}
	if os.Geteuid() != 0 {
		must(t, os.Chmod(closed, 0))
		defer os.Chmod(closed, 0o700)
		want = []string{closed, "permission denied"}
	}
	contains(t, startFails(t, Options{Dir: filepath.Join(closed, "a", "b")}).Error(), want...)
}

// Not parallel: the umask belongs to the whole process.
func TestFolderIsReachableWhateverTheUmask(t *testing.T) {
	dir := filepath.Join(newDir(t), "a", "b")
	defer syscall.Umask(syscall.Umask(0o077))
	must(t, makeFolders(dir))
	for _, path := range []string{dir, filepath.Dir(dir)} {
		info, err := os.Stat(path)
		must(t, err)
		if got := info.Mode().Perm(); got != 0o711 {
			t.Errorf("%s has mode %o, want 711", path, got)
		}
	}
}

func TestFolderOfAnotherUser(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	must(t, os.MkdirAll(filepath.Join(dir, "data"), 0o700))
	stranger := account{name: "stranger", uid: uint32(os.Geteuid()) + 4242}
	err := folder(dir).checkOwner(stranger)
	if err == nil {
		t.Fatal("another user's folder was accepted")
	}
	contains(t, err.Error(), dir, "stranger", userName(uint32(os.Geteuid())), "FREEHOLD_DATA_DIR")
}

func TestFolderOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	data := filepath.Join(dir, "data")
	must(t, os.MkdirAll(data, 0o755))
	must(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9.1\n"), 0o644))
	a, err := serverAccount()
	must(t, err)
	must(t, a.own(data))
	ours, err := serverVersion(t.Context(), installedServers()[0])
	must(t, err)
	contains(t, startFails(t, Options{Dir: dir}).Error(), "PostgreSQL 9.1", ours)
}

// For a long path, and for one that a list of hosts would split, the socket is elsewhere.
func TestPathThatDoesNotDoForASocket(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"long":  filepath.Join(strings.Repeat("long", 20), strings.Repeat("path", 20)),
		"comma": "a,b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, Options{Dir: filepath.Join(newDir(t), path)})
			queryIs(t, open(t, c), "SELECT 1", "1")
			socket := c.folder.socketFolder()
			if filepath.Dir(socket) != filepath.Clean(os.TempDir()) {
				t.Errorf("the socket is in %s, want it in the temporary folder", socket)
			}
			must(t, c.Stop())
			if _, err := os.Stat(socket); err == nil {
				t.Errorf("%s was left behind", socket)
			}
		})
	}
}

func TestSocketFolderOpenToOthersIsRefused(t *testing.T) {
	t.Parallel()
	f := folder(filepath.Join(newDir(t), strings.Repeat("long", 40)))
	a, err := serverAccount()
	must(t, err)
	socket := f.socketFolder()
	plants := map[string]func() error{
		"mode 0755":     func() error { return os.Mkdir(socket, 0o755) },
		"symbolic link": func() error { return os.Symlink(filepath.Dir(filepath.Dir(string(f))), socket) },
		"file":          func() error { return os.WriteFile(socket, nil, 0o700) },
	}
	if os.Geteuid() == 0 { // only root can give a folder away
		plants["another user's"] = func() error {
			return errors.Join(os.Mkdir(socket, 0o700), os.Chown(socket, 4242, 4242))
		}
	}
	for name, plant := range plants {
		must(t, plant())
		if err := f.makeSocketFolder(a); err == nil {
			t.Errorf("%s was accepted", name)
		} else {
			contains(t, err.Error(), socket)
		}
		must(t, os.Remove(socket))
	}
}

func TestCommandLinesOfOurOwn(t *testing.T) {
	t.Parallel()
	f := folder("/srv/my db")
	for line, want := range map[string]bool{
		"/usr/lib/postgresql/15/bin/postgres -D /srv/my db/data -k /srv/my db/s": true,
		"/opt/with space/postgres -D /srv/my db/data":                            true,
		"postgres -p 5433 -D /srv/my db/data":                                    true,
		"postgres: " + f.marker() + ": app postgres [local] idle":                true,
		"postgres -D /srv/my db/data2":                                           false,
		"postgres -D /srv/other/data":                                            false,
		"postgres: 15/main: checkpointer":                                        false,
		"grep postgres -D /srv/my db/data":                                       false,
		"tail -f /srv/my db/data/postgres":                                       false,
		"":                                                                       false,
	} {
		if got := f.owns(line); got != want {
			t.Errorf("owns(%q) = %v, want %v", line, got, want)
		}
	}
}
