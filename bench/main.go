//go:build linux

// Command bench compares freehold with other servers, and with PostgreSQL itself, on one machine in one run. Run it by make bench; see
// README.md.
//
// It owns how the servers are set up and filled, the order of the runs, the targets, and the report. It must not know how a request reads
// in a server's schema, or how an answer is checked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"freehold.dev/freehold/bench/host"
	"freehold.dev/freehold/bench/requests"
)

type options struct {
	loads, servers      []string
	span, warmUp        time.Duration
	rounds, connections int
	accounts            int
	variants            []variant
	growing             bool
	drawing             string
}

// bench is one run: a PostgreSQL and the servers on it.
type bench struct {
	options
	dir      string // for everything that the run writes
	postgres *host.Postgres
	data     map[string]*data // by the database
	servers  []*server
}

func main() {
	// The programs that host starts end with this thread.
	runtime.LockOSThread()
	// The servers need the machine more than the requests do.
	runtime.GOMAXPROCS(1)
	signal.Ignore(syscall.SIGPIPE) // so that the cleanup runs even if the reader of the report is gone
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	b := &bench{data: map[string]*data{}}
	b.options, err = parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "freehold-bench-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := os.Chmod(b.dir, 0o711); err != nil { //nolint:gosec // PostgreSQL may run as another user
		return err
	}
	defer b.stop()
	if b.postgres, err = host.StartPostgres(ctx, b.dir); err != nil {
		return err
	}
	if b.growing {
		return b.grow(ctx, os.Stdout)
	}
	if err := b.startServers(ctx); err != nil {
		return err
	}
	machine, err := b.machine(ctx)
	if err != nil {
		return err
	}
	loads := slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return !slices.Contains(b.loads, k.name) })
	results, err := b.measureAll(ctx, loads, b.measured())
	if err != nil {
		return err
	}
	return b.report(os.Stdout, machine, results)
}

func parseOptions(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	loads := f.String("loads", "W1,W2,W3,W4a,W4b,W5,W6,W1+", "the `loads` to run, with commas between them")
	servers := f.String("servers", "freehold,PostGraphile,Apollo,pgbench", "the `servers` to run them on")
	f.DurationVar(&o.span, "duration", 4*time.Second, "how long a run is measured")
	f.DurationVar(&o.warmUp, "warm-up", time.Second, "how long a server is warmed up before each run")
	f.IntVar(&o.rounds, "rounds", 3, "how often each load is run on each server; the medians are printed")
	f.IntVar(&o.connections, "connections", 16, "how many requests are made at once")
	f.IntVar(&o.accounts, "accounts", 1000, "how many accounts there are")
	f.Func("freehold", "a build to measure, as `name=path,SETTING=value,…`; may be repeated (default freehold=../freehold)", func(text string) error {
		v, err := parseVariant(text)
		o.variants = append(o.variants, v)
		return err
	})
	f.BoolVar(&o.growing, "grow", false, "measure freehold alone, with many accounts and with accounts that have many sessions")
	f.StringVar(&o.drawing, "svg", "../docs/growth.svg", "the `file` that -grow draws")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.loads, o.servers = strings.Split(*loads, ","), strings.Split(*servers, ",")
	for _, name := range o.loads {
		if !slices.ContainsFunc(kinds, func(k kind) bool { return k.name == name }) {
			return o, fmt.Errorf("there is no load %s", name)
		}
	}
	for _, name := range o.servers {
		if !slices.Contains([]string{"freehold", "PostGraphile", "Apollo", "pgbench"}, name) {
			return o, fmt.Errorf("there is no server %s", name)
		}
	}
	if o.accounts < users || o.rounds < 1 || o.connections < 1 || o.span < time.Second {
		return o, fmt.Errorf("a run takes %d accounts or more, a round, a connection and a second", users)
	}
	if o.variants == nil {
		v, err := parseVariant("freehold=../freehold")
		o.variants = []variant{v}
		return o, err
	}
	return o, nil
}

// startServers starts all servers, creates their accounts, and records the memory that they take while idle.
func (b *bench) startServers(ctx context.Context) error {
	for _, v := range b.variants {
		if slices.Contains(b.options.servers, "freehold") || slices.Contains(b.options.servers, "pgbench") {
			if err := b.startFreehold(ctx, v, "freehold"); err != nil {
				return err
			}
		}
	}
	if slices.Contains(b.options.servers, "PostGraphile") {
		if err := b.startPeer(ctx, "PostGraphile", "postgraphile", requests.PostGraphile{}); err != nil {
			return err
		}
	}
	if slices.Contains(b.options.servers, "Apollo") {
		if err := b.startPeer(ctx, "Apollo", "apollo", requests.Freehold{}); err != nil {
			return err
		}
	}
	for _, s := range b.servers {
		var err error
		if s.idle, _, err = s.process.Memory(); err != nil {
			return err
		}
		if s.data.users != nil { // another variant has created them
			continue
		}
		if err := b.populate(ctx, s, b.accounts, false); err != nil {
			return err
		}
	}
	return nil
}

// populate creates the accounts of a server.
func (b *bench) populate(ctx context.Context, s *server, accounts int, hidden bool) error {
	progress("%s: %d users sign up, %d accounts in all", s.name, users, accounts)
	if err := s.signUp(ctx, b.connections); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return b.fill(ctx, s.data, users+1, accounts, hidden)
}

// stop ends all programs, the database last.
func (b *bench) stop() {
	for _, s := range b.servers {
		s.process.Stop()
	}
	if b.postgres != nil {
		b.postgres.Stop()
	}
}

// progress reports progress to the person who waits.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
