//go:build unix

// Package devpg runs a private PostgreSQL for development and for tests.
//
// It owns the server's lifecycle: finding the binaries, initdb, the password,
// a Unix socket (no TCP port), the lock on the data folder, restarts after a
// crash, and the shutdown. On Linux the server ends with the process that
// started it, even after kill -9; elsewhere the next Start ends a server that
// was left behind.
//
// It must not know what the database is for: [Options].Setup creates roles and
// schemas and runs migrations.
//
// Committed rows survive a crash of any process, but not of the machine, since
// fsync is off. Do not keep anything here that you cannot recreate.
package devpg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
)

const (
	superuser    = "postgres"
	startLimit   = time.Minute
	pollInterval = 5 * time.Millisecond

	// cannotConnectNow is the error of a server that is still starting.
	cannotConnectNow = "57P03"
)

// Options say where the data of a private cluster is, and how to prepare it.
type Options struct {
	// Dir is the data folder, absolute or relative. Start creates it if it is missing.
	Dir string

	// Log receives starts and restarts. Nil discards them.
	Log *slog.Logger

	// Setup runs once per Start, as the superuser in database "postgres",
	// before Start returns. It must be idempotent. [Cluster.URL] uses the
	// password for every role. Nil does nothing.
	Setup func(ctx context.Context, superuser *sql.DB, password string) error

	// MaxConnections is the server's limit. Zero means 60.
	MaxConnections int
}

// Cluster is a running private PostgreSQL.
type Cluster struct {
	folder         folder
	account        account
	bin            string // the folder with the server's binaries
	password       string
	maxConnections int
	log            *slog.Logger
	lock           *lock

	stopping context.Context // done after Stop was called
	stop     context.CancelFunc
	done     chan struct{}
	err      error // why the server has ended; read after done
	stopErr  error // why Stop failed; read after done
}

// Start starts the cluster of a data folder, and creates it at first use. It
// returns when the server accepts connections and Setup has run. Cancelling ctx
// ends a start in progress, but not a started cluster.
//
// The error is [ErrNoServer] if this machine has no PostgreSQL server, and
// [ErrInUse] if another cluster runs on the folder.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := newCluster(ctx, o)
	if err != nil {
		return nil, err
	}
	if c.lock, err = c.folder.acquire(); err != nil {
		return nil, err
	}
	began := time.Now()
	server, err := c.start(ctx, o.Setup)
	if err != nil {
		c.leave()
		return nil, err
	}
	c.log.Info("private PostgreSQL started", "dir", c.Dir(), "pid", server.pid(), "took", time.Since(began))
	go c.supervise(server)
	return c, nil
}

// newCluster finds the server, and creates only the data folder.
func newCluster(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{log: o.Log, maxConnections: o.MaxConnections, done: make(chan struct{})}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.maxConnections == 0 {
		c.maxConnections = 60
	}
	var err error
	if c.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if c.folder, err = absolute(o.Dir); err != nil {
		return nil, err
	}
	if err = c.folder.checkOwner(c.account); err != nil {
		return nil, err
	}
	major, err := c.folder.version()
	if err != nil {
		return nil, err
	}
	if c.bin, err = findServer(ctx, os.Getenv("PG_BIN"), major); err != nil {
		return nil, err
	}
	if c.folder, err = c.folder.make(c.account); err != nil {
		return nil, err
	}
	c.stopping, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// start starts a server on the locked folder.
func (c *Cluster) start(ctx context.Context, setup func(context.Context, *sql.DB, string) error) (*child, error) {
	if err := c.folder.evict(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.password, err = c.initialise(ctx); err != nil {
		return nil, err
	}
	if err = c.folder.makeSocketFolder(c.account); err != nil {
		return nil, err
	}
	if err = os.Remove(c.folder.log()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the last run's log: %w", err)
	}
	server, err := c.spawn()
	if err != nil {
		return nil, err
	}
	if err = c.prepare(ctx, server, setup); err != nil {
		return nil, errors.Join(err, c.end(server))
	}
	return server, nil
}

// prepare waits until the server accepts connections, and runs Setup.
func (c *Cluster) prepare(ctx context.Context, server *child, setup func(context.Context, *sql.DB, string) error) error {
	db, err := sql.Open("postgres", c.URL(superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("opening the superuser's database: %w", err)
	}
	defer db.Close()
	if err = c.awaitReady(ctx, server, db); err != nil {
		return err
	}
	if setup == nil {
		return nil
	}
	if err = setup(ctx, db, c.password); err != nil {
		return fmt.Errorf("setting up the private PostgreSQL: %w", err)
	}
	return nil
}

func (c *Cluster) awaitReady(ctx context.Context, server *child, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var ping error
	err := eventually(ctx, func() bool {
		ping = db.PingContext(ctx)
		return ping == nil || refusedForGood(ping) || server.exited()
	})
	switch {
	case err != nil:
		return fmt.Errorf("waiting for postgres to accept connections: %w", err)
	case ping != nil && server.exited():
		return fmt.Errorf("postgres ended while starting; %s", c.folder.logTail())
	case ping != nil:
		return fmt.Errorf("connecting to the private PostgreSQL in %s: %w", c.Dir(), ping)
	}
	return nil
}

// refusedForGood reports whether waiting cannot help: the server is up and
// returned an error, for example because of a wrong password.
func refusedForGood(err error) bool {
	answer, ok := errors.AsType[*pq.Error](err)
	return ok && answer.Code != cannotConnectNow
}

// URL returns the connection string of a role, for lib/pq and for psql. It
// contains the password, which all roles of the cluster share.
func (c *Cluster) URL(role, database string) string { return c.folder.url(c.password, role, database) }

func (f folder) url(password, role, database string) string {
	query := url.Values{"host": {f.socketFolder()}, "port": {socketPort}, "sslmode": {"disable"}}
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(role, password),
		Path:   "/" + database,
		// psql does not read "+" as a space; "/" needs no escape here.
		RawQuery: strings.NewReplacer("+", "%20", "%2F", "/").Replace(query.Encode()),
	}
	return u.String()
}

// Superuser returns the name of the bootstrap superuser.
func (c *Cluster) Superuser() string { return superuser }

// Bin returns the folder of the server's binaries.
func (c *Cluster) Bin() string { return c.bin }

// Dir returns the absolute path of the data folder, with symbolic links resolved.
func (c *Cluster) Dir() string { return string(c.folder) }

// Done returns a channel that is closed when the server has ended and does not restart:
// after Stop, or after too many crashes.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err returns why the server has ended, after Done is closed. It is nil before
// that, and after Stop.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stop shuts the server down, by force if it must, and releases the data
// folder. Later calls return the result of the first one.
func (c *Cluster) Stop() error {
	c.stop()
	<-c.done
	return c.stopErr
}

// leave releases the folder for the next cluster.
func (c *Cluster) leave() {
	c.folder.removeSocketFolder()
	c.lock.release()
}

// eventually polls a condition every few milliseconds, until it is true or ctx ends.
func eventually(ctx context.Context, yes func() bool) error {
	for !yes() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pollInterval):
		}
	}
	return nil
}
