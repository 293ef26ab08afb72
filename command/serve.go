package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/devpg"
)

// serve runs the service until ctx ends or the private PostgreSQL stops.
func serve(ctx context.Context, p *app.Program, c config.Config) (err error) {
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
	start, err := a.Start(ctx)
	if err != nil {
		return err
	}
	if !c.Development() { // in development, the lines below say it
		options.Log.InfoContext(ctx, "starting", "version", start.Build.Version, "commit", start.Build.Commit, "go", start.Build.Go,
			"address", l.Addr().String(), "publicURL", c.PublicURL, "database", start.Database, "migrations", start.Migrations, "keys", start.Keys)
	}
	fmt.Printf("freehold is serving\n  GraphQL  http://%s/graphql\n%s  data     %s\n%s  version  %s\n  stop     Ctrl-C\n", l.Addr(), playground(a, l.Addr()), where, details(start), start.Build)
	err = a.Serve(ctx, l)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// details returns the lines that describe the database and the keys.
func details(s app.Start) string {
	lines := fmt.Sprintf("           %s, migrations %s\n", s.Database, s.Migrations)
	if s.Keys != "" {
		lines += fmt.Sprintf("  keys     %s\n", s.Keys)
	}
	return lines
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
func startPrivate(ctx context.Context, p *app.Program, c *config.Config, log *slog.Logger) (*devpg.Cluster, error) {
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
// called. It changes nothing if the settings name a database, or if the command needs none.
func usePrivate(ctx context.Context, p *app.Program, c *config.Config, needed bool) (stop func() error, err error) {
	nothing := func() error { return nil }
	if !needed || !c.PrivateDatabase() {
		return nothing, nil
	}
	cluster, err := startPrivate(ctx, p, c, nil)
	if errors.Is(err, devpg.ErrInUse) {
		url, err := devpg.Attach(privateDir(*c))
		if err != nil {
			return nil, err
		}
		enterURLs(c, url)
		return nothing, nil
	}
	if err != nil {
		return nil, err
	}
	return cluster.Stop, nil
}

func privateDir(c config.Config) string { return filepath.Join(c.DataDir, "postgres") }

func enterURLs(c *config.Config, url func(role, database string) string) {
	c.DatabaseURL = url(app.AppRole, app.PrivateDatabaseName)
	c.MigrateURL = url(app.OwnerRole, app.PrivateDatabaseName)
	c.BackupURL = url(app.BackupRole, app.PrivateDatabaseName)
}
