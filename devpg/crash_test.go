//go:build unix

package devpg

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKilledPostmasterIsStartedAgain(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Dir: newDir(t), Log: testLog(t)})
	db := open(t, c)
	run(t, db, "CREATE TABLE kept (v text)")
	for _, row := range []string{"one", "two"} {
		go db.Exec("SELECT pg_sleep(60)") // a backend that is busy when the server dies
		run(t, db, "INSERT INTO kept VALUES ('"+row+"')")
		killPostmaster(t, c)
		heals(t, db, "SELECT max(v) FROM kept", row)
	}
	must(t, c.Err())
}

func TestPostmasterThatKeepsDyingIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir, Log: testLog(t)})
	db := open(t, c)
	for range restartLimit {
		killPostmaster(t, c)
		heals(t, db, "SELECT 1", "1")
	}
	killPostmaster(t, c)
	select {
	case <-c.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("Done is still open")
	}
	if c.Err() == nil {
		t.Fatal("Err is nil")
	}
	contains(t, c.Err().Error(), c.folder.log(), "ready to accept connections")
	must(t, c.Stop())
	start(t, Options{Dir: dir}) // the folder is free
}

func TestStopOfAKilledServer(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Dir: newDir(t)})
	keepBusy(t, open(t, c))
	must(t, syscall.Kill(postmaster(t, c.Dir()), syscall.SIGKILL))
	must(t, c.Stop())
	must(t, c.Err())
	if pids := left(t, c.Dir()); len(pids) > 0 {
		t.Errorf("processes %v outlived Stop", pids)
	}
	start(t, Options{Dir: c.Dir()}) // the next server frees the shared memory of a killed one
}

func TestKilledParent(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	parent := startProgram(t, dir)
	orphan := postmaster(t, dir)
	must(t, parent.Process.Kill())
	if runtime.GOOS == "linux" {
		within(t, 5*time.Second, "the postmaster followed its parent", func() bool { return len(left(t, dir)) == 0 })
	}
	c := start(t, Options{Dir: dir})
	queryIs(t, open(t, c), "SELECT v FROM kept", "committed")
	if postmaster(t, dir) == orphan {
		t.Error("the old postmaster still runs")
	}
}

// Start waits for an old server that is shutting down.
func TestKilledParentIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	parent := startProgram(t, dir)
	must(t, parent.Process.Kill())
	_ = parent.Wait()
	c := start(t, Options{Dir: dir})
	queryIs(t, open(t, c), "SELECT v FROM kept", "committed")
}

func TestOrphanIsEvicted(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	run(t, open(t, c), "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('committed')")
	must(t, c.Stop())

	must(t, c.folder.makeSocketFolder(c.account))
	orphan := c.account.command(context.Background(), c.Dir(), filepath.Join(c.bin, "postgres"),
		"-D", c.folder.data(), "-k", c.folder.socketFolder(), "-c", "listen_addresses=")
	must(t, orphan.Start())
	ended := make(chan struct{})
	go func() { _ = orphan.Wait(); close(ended) }()
	db := open(t, c)
	within(t, 5*time.Second, "the orphan is up", func() bool { return db.Ping() == nil })
	go db.Exec("SELECT pg_sleep(60)")

	c = start(t, Options{Dir: dir})
	select {
	case <-ended:
	default:
		t.Error("the orphan still runs")
	}
	queryIs(t, open(t, c), "SELECT v FROM kept", "committed")
}

// Start ends backends that outlive a killed postmaster: they would keep a new one from starting.
func TestBusyBackendOfAKilledPostmasterIsEvicted(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	db := open(t, c)
	run(t, db, "CREATE TABLE kept (v int); INSERT INTO kept VALUES (1)")
	keepBusy(t, db)
	killPostmaster(t, c)
	heals(t, db, "SELECT v FROM kept", "1")
}

func TestStalePidOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	c := start(t, Options{Dir: dir})
	must(t, c.Stop())

	sleep, err := exec.LookPath("sleep")
	must(t, err)
	// As the server's user: postgres ignores a process of another user.
	bystander := c.account.command(context.Background(), "/", sleep, "60")
	must(t, bystander.Start())
	ended := make(chan struct{})
	go func() { _ = bystander.Wait(); close(ended) }()
	defer bystander.Process.Kill()
	must(t, c.folder.makeSocketFolder(c.account))
	stale := strconv.Itoa(bystander.Process.Pid) + "\n" + c.folder.data() + "\n1\n5432\n" + c.folder.socketFolder() + "\n\n"
	for _, file := range []string{
		filepath.Join(c.folder.data(), "postmaster.pid"),
		filepath.Join(c.folder.socketFolder(), socketName+".lock"),
	} {
		must(t, os.WriteFile(file, []byte(stale), 0o600))
		must(t, c.account.own(file))
	}

	start(t, Options{Dir: dir})
	select {
	case <-ended:
		t.Error("Start ended a process that is not its own")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	must(t, makeFolders(filepath.Join(dir, "data.new", "base")))
	must(t, os.WriteFile(filepath.Join(dir, "data.new", "PG_VERSION"), []byte("15\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("of the interrupted run\n"), 0o600))
	start(t, Options{Dir: dir})
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "data.new") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

// keepBusy makes a backend so busy that it does not notice the death of its postmaster.
func keepBusy(t *testing.T, db *sql.DB) {
	t.Helper()
	go db.Exec("DO $$ DECLARE x int; BEGIN FOR i IN 1..2000000000 LOOP x := i % 7; END LOOP; END $$")
	within(t, 5*time.Second, "a backend is busy", func() bool {
		var n int
		return db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO%' AND state = 'active'").Scan(&n) == nil && n == 1
	})
}

// killPostmaster kills the postmaster, and waits until its process id has changed or is gone.
func killPostmaster(t *testing.T, c *Cluster) {
	t.Helper()
	pid := postmaster(t, c.Dir())
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	within(t, 5*time.Second, "the old server went", func() bool {
		content, _ := os.ReadFile(filepath.Join(c.folder.data(), "postmaster.pid"))
		return !strings.HasPrefix(string(content), strconv.Itoa(pid)+"\n")
	})
}

// heals retries until the pool has no dead connections left and a new server answers.
func heals(t *testing.T, db *sql.DB, query, want string) {
	t.Helper()
	var got string
	within(t, 5*time.Second, "connections healed", func() bool { return db.QueryRow(query).Scan(&got) == nil })
	if got != want {
		t.Errorf("%s: got %q, want %q", query, got, want)
	}
}

// left returns the processes of a folder's server.
func left(t *testing.T, dir string) []int {
	t.Helper()
	pids, _, err := folder(dir).processes()
	must(t, err)
	return pids
}
