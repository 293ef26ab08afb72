// Command freehold is an accounts-and-profiles GraphQL service in which every row has an owner and every field has a
// rule. Run `freehold help`.
package main

//go:generate go run ./graph/generate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/devpg"
	"freehold.dev/freehold/modules"
)

const help = `freehold is an accounts-and-profiles GraphQL service.

  freehold                serve; without DATABASE_URL, on a private PostgreSQL
  freehold migrate        bring the database of FREEHOLD_MIGRATE_URL up to date
  freehold keys rotate    add a signing key, which is used after ten minutes
  freehold access         print what each field returns to each kind of viewer;
                          --format=markdown or json; --diff OLD.json prints the changes
  freehold access explain --as USER TYPE.FIELD [ID]
                          print what a user gets from a field, and why
  freehold config         print the current settings, with secrets masked
  freehold roles          print the SQL that creates the three database roles
  freehold schema         print the schema as a Federation subgraph;
                          --client prints it for client tools such as relay-compiler
  freehold version        print the version
  freehold help           print this

Settings come from the environment; docs/configuration.md lists them.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "freehold: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "access" {
		return accessCommand(ctx, args[1:], os.Stdout)
	}
	command := strings.Join(args, " ")
	switch command {
	case "help", "-h", "--help":
		return say(help)
	case "version", "--version":
		return say(version() + "\n")
	case "roles":
		return say(app.RolesSQL)
	}
	p, err := modules.Program()
	if err != nil {
		return err
	}
	switch command {
	case "schema":
		return say(p.SDL())
	case "schema --client":
		return say(p.ClientSDL())
	}
	c, err := loadConfig()
	if err != nil {
		return err
	}
	switch command {
	case "", "serve":
		return serve(ctx, p, c)
	case "keys rotate":
		kid, path, err := app.RotateKeys(c, time.Now())
		if err != nil {
			return err
		}
		return say(fmt.Sprintf("added key %s to %s; it is used after ten minutes\n", kid, path))
	case "migrate":
		return p.Migrate(ctx, c)
	case "config":
		return say(c.Print())
	}
	return fmt.Errorf("unknown command %q; see `freehold help`", command)
}

func loadConfig() (app.Config, error) {
	c, err := app.LoadConfig(os.Environ())
	if err != nil {
		return c, fmt.Errorf("the configuration is invalid:\n%w", err)
	}
	return c, nil
}

func say(text string) error {
	_, err := fmt.Print(text)
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// serve runs the service until ctx ends or the private PostgreSQL stops.
func serve(ctx context.Context, p *app.Program, c app.Config) (err error) {
	defer runtime.KeepAlive(reserveMemory())
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchGoRun(ctx, func() { stop(nil) })
	options := app.Options{Log: app.NewLog(os.Stderr, c)}
	where := "DATABASE_URL"
	if c.PrivateDatabase() {
		cluster, err := startPrivate(ctx, p, &c, options.Log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		go func() {
			<-cluster.Done()
			stop(cluster.Err())
		}()
		where = "a private PostgreSQL in " + cluster.Dir()
	}
	a, err := p.New(ctx, c, options)
	if err != nil {
		return err
	}
	defer a.Close()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen (FREEHOLD_ADDR): %w", err)
	}
	fmt.Printf("freehold is serving\n  GraphQL  http://%s/graphql\n%s  data     %s\n  stop     Ctrl-C\n", l.Addr(), playground(a, l.Addr()), where)
	err = a.Serve(ctx, l)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// playground returns the lines that show where the playground and the mailbox are, in development.
func playground(a *app.App, addr net.Addr) (lines string) {
	if a.HasPlayground() {
		lines = fmt.Sprintf("  explore  http://%s/\n", addr)
	}
	if a.HasMailbox() {
		lines += fmt.Sprintf("  mail     http://%s/dev/mail\n", addr)
	}
	return lines
}

// startPrivate starts the private PostgreSQL, migrates it and sets its URLs in the configuration.
func startPrivate(ctx context.Context, p *app.Program, c *app.Config, log *slog.Logger) (*devpg.Cluster, error) {
	cluster, err := devpg.Start(ctx, devpg.Options{Dir: privateDir(*c), Log: log, Setup: app.PreparePrivate})
	if err != nil {
		return nil, err
	}
	enterURLs(c, cluster.URL)
	if err := p.Migrate(ctx, *c); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

// usePrivate sets the URLs of the private PostgreSQL: of the one that a server already runs, or of one that runs until stop is
// called.
func usePrivate(ctx context.Context, p *app.Program, c *app.Config) (stop func() error, err error) {
	cluster, err := startPrivate(ctx, p, c, nil)
	if errors.Is(err, devpg.ErrInUse) {
		url, err := devpg.Attach(privateDir(*c))
		if err != nil {
			return nil, err
		}
		enterURLs(c, url)
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	return cluster.Stop, nil
}

func privateDir(c app.Config) string { return filepath.Join(c.DataDir, "postgres") }

func enterURLs(c *app.Config, url func(role, database string) string) {
	c.DatabaseURL = url(app.AppRole, app.PrivateDatabaseName)
	c.MigrateURL = url(app.OwnerRole, app.PrivateDatabaseName)
}
