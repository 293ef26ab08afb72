//go:build linux

package host

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver
)

// Postgres is a PostgreSQL of the benchmark, with a new cluster that loses nothing when the machine stops: fsync is on.
type Postgres struct {
	*Process
	Bin  string // the folder of its programs
	port string
}

// StartPostgres creates a cluster in a new folder below dir and starts it on a free port of the loopback interface.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of PostgreSQL: %w", err)
	}
	if account != nil {
		if err := os.Chown(data, int(account.Uid), int(account.Gid)); err != nil {
			return nil, fmt.Errorf("make the folder of PostgreSQL: %w", err)
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C")
	initdb.Dir = data
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("run initdb: %w\n%s", err, out)
	}
	p := &Postgres{Bin: bin}
	if p.port, err = FreePort(ctx); err != nil {
		return nil, err
	}
	args := []string{"-D", data, "-p", p.port, "-k", data}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB",
		"max_connections=200",
	} {
		args = append(args, "-c", setting)
	}
	p.Process, err = Start(Command{
		Path: filepath.Join(bin, "postgres"), Args: args, Dir: data, Log: filepath.Join(dir, "postgres.log"), User: account, End: syscall.SIGINT,
	})
	if err != nil {
		return nil, err
	}
	db, err := p.Open("postgres", "postgres")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := p.Await(ctx, db.PingContext); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// URL returns the address of a database for a role. The cluster trusts every client, because only this machine can connect.
func (p *Postgres) URL(role, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(role), Host: "127.0.0.1:" + p.port, Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Open returns a pool of one connection.
func (p *Postgres) Open(role, database string) (*sql.DB, error) {
	db, err := sql.Open("postgres", p.URL(role, database))
	if err != nil {
		return nil, fmt.Errorf("open a database: %w", err)
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}

// findPostgres returns the folder of the programs of the newest PostgreSQL.
func findPostgres() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	if set := os.Getenv("PG_BIN"); set != "" {
		folders = []string{set}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append([]string{filepath.Dir(path)}, folders...)
	}
	for i := range folders {
		bin := folders[len(folders)-1-i]
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
			return bin, nil
		}
	}
	return "", errors.New("there is no PostgreSQL server: run make run once, which installs it, or set PG_BIN")
}

// serverAccount returns the account that PostgreSQL runs as: nil for our own, unless that is root's.
func serverAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // there is no other account
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(found.Uid)
		if err != nil {
			return nil, fmt.Errorf("read the id of user %s: %w", name, err)
		}
		gid, err := strconv.Atoi(found.Gid)
		if err != nil {
			return nil, fmt.Errorf("read the group of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}
