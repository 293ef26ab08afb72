//go:build unix

package devpg

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// initialise creates the cluster's files if there are none, and returns its password.
func (c *Cluster) initialise(ctx context.Context) (string, error) {
	if err := c.folder.removeUnfinished(); err != nil {
		return "", err
	}
	major, err := c.folder.version()
	if err != nil {
		return "", err
	}
	if major == "" {
		return c.initdb(ctx)
	}
	password, err := os.ReadFile(c.folder.password())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the data folder %s is initialised, but its password file %s is missing:"+
			" put the file back, or remove the folder if its data can go", c.folder.data(), c.folder.password())
	}
	if err != nil {
		return "", fmt.Errorf("reading the private PostgreSQL's password: %w", err)
	}
	return strings.TrimSpace(string(password)), nil
}

// initdb creates the files under another name and renames them when they are
// complete, so that an interrupted run never looks like a cluster.
func (c *Cluster) initdb(ctx context.Context) (string, error) {
	password, err := c.newPassword()
	if err != nil {
		return "", fmt.Errorf("writing a new password: %w", err)
	}
	unfinished, err := c.folder.makeUnfinished(c.account)
	if err != nil {
		return "", err
	}
	cmd := c.account.command(ctx, c.Dir(), filepath.Join(c.bin, "initdb"),
		"-D", unfinished,
		"--username="+superuser,
		"--pwfile="+c.folder.password(),
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		"--locale=C",
		"--no-sync",
	)
	if output, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("running %s as %s: %w\n%s", cmd.Path, c.account.name, err, output)
	}
	if err = os.Rename(unfinished, c.folder.data()); err != nil {
		return "", fmt.Errorf("renaming the new cluster: %w", err)
	}
	return password, nil
}

// newPassword writes a random password to a file that we and initdb can read.
func (c *Cluster) newPassword() (string, error) {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	password := hex.EncodeToString(random)

	file := c.folder.password()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	return password, c.account.own(file)
}

// spawn starts the postmaster. It returns before the server is ready.
func (c *Cluster) spawn() (*child, error) {
	log, err := os.OpenFile(c.folder.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the server log: %w", err)
	}
	defer log.Close() // the postmaster has its own copy
	// The settings are here and not in postgresql.conf, so that changes apply to existing folders.
	// -D comes first: folder.owns looks for it.
	args := []string{"-D", c.folder.data(), "-k", c.folder.socketFolder(), "-p", socketPort}
	for _, setting := range []string{
		"listen_addresses=",
		"unix_socket_permissions=0700",
		"cluster_name=" + c.folder.marker(),
		"max_connections=" + strconv.Itoa(c.maxConnections),
		"shared_buffers=64MB",
		"dynamic_shared_memory_type=mmap", // in the data folder, so that a killed server leaves nothing in /dev/shm
		"timezone=UTC",
		"log_timezone=UTC",
		"logging_collector=off",
		"fsync=off",
		"full_page_writes=off",
		"synchronous_commit=on", // off would lose committed rows when the postmaster is killed
	} {
		args = append(args, "-c", setting)
	}
	// The cluster outlives the context of its start.
	cmd := c.account.command(context.Background(), c.Dir(), filepath.Join(c.bin, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	server, err := startChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("running %s as %s: %w", cmd.Path, c.account.name, err)
	}
	return server, nil
}
