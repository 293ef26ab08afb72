//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"freehold.dev/freehold/bench/host"
	"freehold.dev/freehold/bench/requests"
)

// A server is one of the compared servers.
type server struct {
	name    string
	peer    bool
	dialect requests.Dialect
	data    *data // shared by all freeholds
	addr    string
	process *host.Process
	idle    int // bytes of memory before the first load
}

// A variant is a build of freehold with settings.
type variant struct {
	name, path string
	env        []string
}

// parseVariant reads name=path,SETTING=value,…
func parseVariant(text string) (variant, error) {
	parts := strings.Split(text, ",")
	name, path, found := strings.Cut(parts[0], "=")
	if !found || name == "" || path == "" {
		return variant{}, errors.New("a freehold is given as name=path,SETTING=value,…")
	}
	path, err := filepath.Abs(path)
	return variant{name, path, parts[1:]}, err
}

// node is the Node that the peers run on.
const node = "node/node_modules/.bin/node"

const publicURL = "https://id.example.org"

// startFreehold starts a variant as docs/deployment.md describes, on a database that it creates if necessary.
func (b *bench) startFreehold(ctx context.Context, v variant, database string) error {
	key := filepath.Join(b.dir, "signing-key.pem")
	if err := writeKey(key); err != nil {
		return err
	}
	if b.data[database] == nil {
		if err := b.makeFreehold(ctx, v.path, database); err != nil {
			return err
		}
	}
	return b.start(ctx, server{name: v.name, dialect: requests.Freehold{}, data: b.data[database]}, host.Command{
		Path: v.path, Dir: b.dir, End: syscall.SIGTERM,
	}, func(port string) []string {
		return append([]string{
			"FREEHOLD_ENV=production", "FREEHOLD_ADDR=127.0.0.1:" + port, "FREEHOLD_PUBLIC_URL=" + publicURL,
			"FREEHOLD_SIGNING_KEY_FILE=" + key, "DATABASE_URL=" + b.postgres.URL("freehold_app", database),
			"FREEHOLD_RATE_LIMIT=off", "FREEHOLD_LOG_LEVEL=ERROR", "FREEHOLD_ACCESS_TOKEN_TTL=2h", "FREEHOLD_DRAIN_DELAY=0s",
		}, v.env...)
	})
}

// makeFreehold creates the roles and a database.
func (b *bench) makeFreehold(ctx context.Context, path, database string) error {
	roles, err := exec.CommandContext(ctx, path, "roles").Output()
	if err != nil {
		return fmt.Errorf("ask freehold for its roles: %w", err)
	}
	if err := b.execute(ctx, "postgres", "postgres", string(roles)); err != nil {
		return err
	}
	if err := b.createDatabase(ctx, database, "freehold_owner", "freehold_app"); err != nil {
		return err
	}
	migrate := exec.CommandContext(ctx, path, "migrate")
	migrate.Env = []string{"FREEHOLD_MIGRATE_URL=" + b.postgres.URL("freehold_owner", database), "FREEHOLD_DATA_DIR=" + b.dir}
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("run freehold migrate: %w\n%s", err, out)
	}
	b.data[database] = &data{database: database, owner: "freehold_owner", schema: "app.", seed: "freehold/seed.sql"}
	return nil
}

// startPeer starts the Node server in a folder, on a database with its schema.
func (b *bench) startPeer(ctx context.Context, name, folder string, d requests.Dialect) error {
	role := "bench_" + folder
	// The server's role becomes the visitor's role, as PostGraphile needs.
	err := b.execute(ctx, "postgres", "postgres", fmt.Sprintf(`
		CREATE ROLE %s LOGIN NOINHERIT;
		DO $$ BEGIN
		  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_visitor') THEN CREATE ROLE bench_visitor; END IF;
		END $$;
		GRANT bench_visitor TO %[1]s`, role))
	if err != nil {
		return err
	}
	if err := b.createDatabase(ctx, folder, "postgres", role); err != nil {
		return err
	}
	schema, err := os.ReadFile(filepath.Join(folder, "schema.sql"))
	if err != nil {
		return fmt.Errorf("read the schema of a peer: %w", err)
	}
	if err := b.execute(ctx, "postgres", folder, string(schema)); err != nil {
		return err
	}
	b.data[folder] = &data{database: folder, owner: "postgres", schema: "public.", seed: filepath.Join(folder, "seed.sql")}
	path, err := filepath.Abs(node)
	if err != nil {
		return err
	}
	return b.start(ctx, server{name: name, peer: true, dialect: d, data: b.data[folder]}, host.Command{
		Path: path, Args: []string{"server.mjs"}, Dir: folder, End: syscall.SIGTERM,
	}, func(port string) []string {
		return []string{"NODE_ENV=production", "PORT=" + port, "JWT_SECRET=" + rand.Text(), "DATABASE_URL=" + b.postgres.URL(role, folder)}
	})
}

// start starts a server on a free port and waits until it accepts connections.
func (b *bench) start(ctx context.Context, s server, c host.Command, env func(port string) []string) error {
	port, err := host.FreePort(ctx)
	if err != nil {
		return err
	}
	s.addr = "127.0.0.1:" + port
	c.Env, c.Log = env(port), filepath.Join(b.dir, s.name+".log")
	if s.process, err = host.Start(c); err != nil {
		return err
	}
	b.servers = append(b.servers, &s)
	return s.process.Await(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
}

// writeKey writes a signing key unless there is one.
func writeKey(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	return nil
}
