// Package command owns the command line of a program that is built on freehold: what its arguments mean, and the private
// PostgreSQL's life beside the service. It must not know any module: a program passes its own.
package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/command/admin"
)

const help = `freehold is an accounts-and-profiles GraphQL service.

  freehold                serve; without DATABASE_URL, on a private PostgreSQL
  freehold migrate        bring the database of FREEHOLD_MIGRATE_URL up to date;
                          --dry-run prints what that would do
  freehold migrate status print the versions of the database and of this build
  freehold keys list      print the signing keys, and what they are used for
  freehold keys rotate    add a signing key, which is used after ten minutes
  freehold keys revoke [KID]
                          delete a signing key that others may have, or all of them,
                          and sign with a new one immediately
  freehold access         print what each field returns to each kind of viewer;
                          --format=markdown or json; --diff OLD.json prints the changes
  freehold access explain --as USER TYPE.FIELD [ID]
                          print what a user gets from a field, and why
  freehold backup check   ask whether a dump by the role of FREEHOLD_BACKUP_URL is complete
  freehold doctor         check everything that is configured: database, keys, mail server
                          and others; fails if something does not work; --json
  freehold admin          administer accounts: find, show, export, disable and delete
                          them, revoke sessions, reset passwords, change addresses,
                          retry mails, grant scopes; with --json for programs
  freehold forget USER_ID delete everything that belongs to a user (only in a second
                          subgraph; elsewhere, users delete their accounts)
  freehold config         print the current settings, with secrets masked
  freehold roles          print the SQL that creates the database roles
  freehold schema         print the schema as a Federation subgraph;
                          --client prints it for client tools such as relay-compiler;
                          --router prints it for routers that verify access tokens
  freehold healthcheck    ask the server at FREEHOLD_ADDR whether it is ready; fails if not
  freehold version        print the version, the commit and the version of Go
  freehold help           print this

To build your own program on freehold:

  freehold init DIR --module PATH
                          create a program in a new folder
  freehold new type NAME FIELD:TYPE...
                          add an owned type to a program, such as
                          freehold new type Note body:String! pinned:Boolean;
                          --visible=owner or visibility; --plural=NAME
  freehold schema --files DIR
                          write freehold's schema files, for the program's generator
  freehold schema --subgraph-files DIR
                          write those of a second subgraph, which has no accounts

Settings come from the environment; docs/configuration.md lists them.
`

// Command is the command line of a program.
type Command struct {
	Program func() (*app.Program, error)
	// Schema has freehold's schema files, for `init` and `schema --files`. Only the command freehold itself has them.
	Schema fs.FS
}

// Main runs the command line of a program that is built on freehold, and ends the process.
func Main(program func() (*app.Program, error)) { Command{Program: program}.Main() }

// Main runs the command line, and ends the process: with 1 if the command fails.
func (c Command) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "freehold: %v\n", err)
		os.Exit(1)
	}
}

func (c Command) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	switch args[0] {
	case "help", "-h", "--help":
		return say(help)
	case "version", "--version":
		return say("freehold " + app.ReadBuild().String() + "\n")
	case "healthcheck":
		return healthCheck(ctx, os.Environ())
	case "init":
		return c.initProgram(ctx, args[1:], os.Stdout)
	case "new":
		return newType(ctx, args[1:], os.Stdout)
	case "access":
		return c.access(ctx, args[1:], os.Stdout)
	case "forget":
		return c.forget(ctx, args[1:])
	case "backup":
		return c.backup(ctx, args[1:], os.Stdout)
	case "doctor":
		return c.doctor(ctx, args[1:], os.Stdout)
	case "keys":
		return c.keys(args[1:], os.Stdout)
	case "admin":
		return admin.Run(ctx, args[1:], c.administer, os.Stdout)
	}
	command := strings.Join(args, " ")
	if command == "roles" {
		return say(app.RolesSQL)
	}
	for option, filesOf := range map[string]func() (map[string]string, error){"--files ": c.schemaFiles, "--subgraph-files ": c.subgraphFiles} {
		if dir, ok := strings.CutPrefix(command, "schema "+option); ok {
			files, err := filesOf()
			if err != nil {
				return err
			}
			return writeFiles(dir, files)
		}
	}
	p, err := c.Program()
	if err != nil {
		return err
	}
	switch command {
	case "schema":
		return say(p.SDL())
	case "schema --client":
		return say(p.ClientSDL())
	case "schema --router":
		sdl, err := p.RouterSDL()
		if err != nil {
			return err
		}
		return say(sdl)
	}
	settings, err := loadConfig(p)
	if err != nil {
		return err
	}
	switch command {
	case "serve":
		return serve(ctx, p, settings)
	case "migrate", "migrate --dry-run", "migrate status":
		return migrate(ctx, p, settings, strings.TrimPrefix(command, "migrate"), os.Stdout, os.Stderr)
	case "config":
		return say(settings.Print())
	}
	return fmt.Errorf("unknown command %q; see `freehold help`", command)
}

// load returns the program and its settings.
func (c Command) load() (*app.Program, config.Config, error) {
	p, err := c.Program()
	if err != nil {
		return nil, config.Config{}, err
	}
	settings, err := loadConfig(p)
	return p, settings, err
}

func loadConfig(p *app.Program) (config.Config, error) {
	c, err := p.LoadConfig(os.Environ())
	if err != nil {
		return c, fmt.Errorf("the configuration is invalid:\n%w", err)
	}
	return c, nil
}

func say(text string) error {
	_, err := fmt.Print(text)
	return err
}

// errNoSource is the error of a program that does not have freehold's schema files.
var errNoSource = errors.New("only freehold itself has its schema files: use `go run freehold.dev/freehold`")
