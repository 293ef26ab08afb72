package faults

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/eventually"
)

// postgres is a PostgreSQL of one test, which the test can kill. Unlike the one that the tests share, it has fsync on.
type postgres struct {
	t        *testing.T
	dir      string // has the data, and the socket
	settings []string
	running  *exec.Cmd
	ended    chan struct{}
}

// tools are the programs of PostgreSQL, and the user that runs them: those of the PostgreSQL that the tests share.
type tools struct {
	bin   string
	owner *syscall.Stat_t
}

// prototype is a stopped cluster with a migrated database, from which each postgres is copied.
var prototype = struct {
	sync.Mutex
	tools
	dir string
}{}

const privateName = "freehold"

// newPostgres starts a copy of the prototype.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{t: t, dir: newFolder(t)}
	p.fill(t)
	p.start()
	t.Cleanup(p.kill)
	return p
}

// fill copies the prototype's data into the folder.
func (p *postgres) fill(t *testing.T) {
	t.Helper()
	command(t, "/", nil, "cp", "-a", makePrototype(t), filepath.Join(p.dir, "data"))
}

// newFolder returns a folder for PostgreSQL, with a path that is short enough for a socket. In the short form, it is in memory if there is
// such a file system.
func newFolder(t *testing.T) string {
	t.Helper()
	makePrototype(t) // which knows the user
	dir, err := os.MkdirTemp(memory(), "pg-")
	if err != nil {
		t.Fatal(err)
	}
	own(t, dir)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func memory() string {
	if _, err := os.Stat("/dev/shm"); err != nil || *long {
		return ""
	}
	return "/dev/shm"
}

// own gives a folder to PostgreSQL's user alone.
func own(t testing.TB, dir string) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, int(prototype.owner.Uid), int(prototype.owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// makePrototype makes the prototype if there is none, and returns its folder.
func makePrototype(t *testing.T) string {
	t.Helper()
	prototype.Lock()
	defer prototype.Unlock()
	if prototype.dir != "" {
		return prototype.dir
	}
	d := dbtest.New(t)
	prototype.bin = d.Query(t, `SELECT setting FROM pg_config() WHERE name = 'BINDIR'`)[0]
	info, err := os.Stat(d.Query(t, `SHOW data_directory`)[0])
	if err != nil {
		t.Fatal(err)
	}
	prototype.owner = info.Sys().(*syscall.Stat_t)
	dir, err := os.MkdirTemp(memory(), "pg-")
	if err != nil {
		t.Fatal(err)
	}
	dbtest.AtExit(func() { os.RemoveAll(dir) })
	own(t, dir)
	data := filepath.Join(dir, "data")
	if out, err := postgresTool("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := &postgres{t: t, dir: dir}
	p.start()
	superuser, err := sql.Open("postgres", p.url("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer superuser.Close()
	if err := db.Bootstrap(t.Context(), superuser, privateName, "unused"); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), p.url(db.OwnerRole, privateName)); err != nil {
		t.Fatal(err)
	}
	p.stop(syscall.SIGINT)
	prototype.dir = data
	return data
}

// postgresTool prepares a program of PostgreSQL, as its user.
func postgresTool(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(prototype.bin, name), args...)
	c.Dir = "/" // the user may not be able to enter ours
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: prototype.owner.Uid, Gid: prototype.owner.Gid}
	}
	return c
}

// start starts the server, and waits until it accepts connections.
func (p *postgres) start() {
	p.t.Helper()
	args := []string{"-D", filepath.Join(p.dir, "data"), "-k", p.dir, "-p", "5432", "-c", "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=16MB"}
	c := postgresTool("postgres", append(args, p.settings...)...)
	var printed strings.Builder
	c.Stderr = &printed
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.running, p.ended = c, ended
	go func() {
		c.Wait()
		close(ended)
	}()
	pool, err := sql.Open("postgres", p.url("postgres", "postgres"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer pool.Close()
	eventually.True(p.t, time.Minute, "PostgreSQL accepts connections", func() bool {
		select {
		case <-ended:
			p.t.Fatalf("PostgreSQL has ended: %s", printed.String())
		default:
		}
		return pool.Ping() == nil
	})
}

// stop ends the server with a signal: SIGINT is a fast shutdown.
func (p *postgres) stop(signal syscall.Signal) {
	p.t.Helper()
	p.running.Process.Signal(signal)
	<-p.ended
}

// kill ends all processes of the server at once, as kill -9 does.
func (p *postgres) kill() {
	select {
	case <-p.ended:
		return
	default:
	}
	processes := append([]int{p.running.Process.Pid}, p.backends()...)
	for _, pid := range processes {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
	// The next server does not start as long as one of them uses the shared memory. A process that nobody reaps is there, but uses nothing.
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(processes, func(pid int) bool { return syscall.Kill(pid, 0) == nil }) {
			return
		}
	}
}

// backends returns the processes of the server besides the first. Each leads a group of its own.
func (p *postgres) backends() (pids []int) {
	pool, err := sql.Open("postgres", p.url("postgres", "postgres"))
	if err != nil {
		return nil
	}
	defer pool.Close()
	rows, err := pool.Query(`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if rows.Scan(&pid) == nil {
			pids = append(pids, pid)
		}
	}
	if rows.Err() != nil {
		return nil
	}
	return pids
}

func (p *postgres) url(role, database string) string {
	return socketURL(role, database, p.dir)
}

// socketURL returns a connection string for the first server that fits, by the folders of their sockets.
func socketURL(role, database string, dirs ...string) string {
	q := url.Values{"host": {strings.Join(dirs, ",")}, "port": {strings.Repeat(",5432", len(dirs))[1:]}, "sslmode": {"disable"}}
	if len(dirs) > 1 {
		q.Set("target_session_attrs", "read-write")
	}
	return fmt.Sprintf("postgres://%s@/%s?%s", role, database, q.Encode())
}

// databaseOf returns the database of servers of which one accepts writes.
func databaseOf(t *testing.T, all ...*postgres) dbtest.Database {
	t.Helper()
	dirs := make([]string, len(all))
	for i, p := range all {
		dirs[i] = p.dir
	}
	return dbtest.At(t, socketURL(db.AppRole, privateName, dirs...), socketURL(db.OwnerRole, privateName, dirs...), socketURL("postgres", privateName, dirs...))
}
