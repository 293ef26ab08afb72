//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"freehold.dev/freehold/bench/host"
	"freehold.dev/freehold/bench/load"
)

// signIns is the number of connections that sign in beside the load W1+.
const signIns = 32

// A sample is the measurement of one run of a load on a server.
type sample struct {
	rate             float64 // requests per second
	p50, p99         time.Duration
	server, database time.Duration // of the processor, per request
	memory           int           // the most that the server took, in bytes
	requests         int
	generator        float64 // the part of one processor that this process used
	others           float64 // the part of the machine that programs used that are not part of the run
	thorough         float64 // the part of the replies that Check examined
}

// results are the samples by load and server.
type results map[string]map[string][]sample

func (r results) add(load, server string, s sample) {
	if r[load] == nil {
		r[load] = map[string][]sample{}
	}
	r[load][server] = append(r[load][server], s)
}

// measureAll runs each load on each server in turn, round by round.
func (b *bench) measureAll(ctx context.Context, loads []kind, servers []*server) (results, error) {
	all := results{}
	for _, k := range loads {
		for round := range b.rounds {
			for _, s := range servers {
				found, err := b.measure(ctx, s, k)
				if err != nil {
					return nil, fmt.Errorf("%s on %s: %w", k.name, s.name, err)
				}
				progress("%-4s %d/%d %-18s %7.0f/s  p99 %s", k.name, round+1, b.rounds, s.name, found.rate, found.p99.Round(10*time.Microsecond))
				all.add(k.name, s.name, found)
			}
			if slices.Contains(b.options.servers, "pgbench") && !b.growing {
				if err := b.addTransactions(ctx, all, k.name); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

func (b *bench) hasPeers() bool {
	return slices.ContainsFunc(b.servers, func(s *server) bool { return s.peer })
}

// measured are the servers to send loads to.
func (b *bench) measured() []*server {
	if slices.Contains(b.options.servers, "freehold") {
		return b.servers
	}
	return slices.DeleteFunc(slices.Clone(b.servers), func(s *server) bool { return !s.peer })
}

// measure runs a load on a server.
func (b *bench) measure(ctx context.Context, s *server, k kind) (found sample, err error) {
	calls := s.calls(k.query)
	if !k.hashes {
		if _, err := load.Run(ctx, s.addr, calls, b.connections, b.warmUp); err != nil {
			return found, err
		}
	}
	signingIn := make(chan error, 1)
	if k.besides {
		go func() {
			_, err := load.Run(ctx, s.addr, s.calls(signIn), signIns, b.span+time.Second)
			signingIn <- err
		}()
		time.Sleep(time.Second / 2) // until the queue for a hash is full
	}
	if err := s.process.ForgetPeak(); err != nil {
		return found, err
	}
	before, err := b.used(s)
	if err != nil {
		return found, err
	}
	run, err := load.Run(ctx, s.addr, calls, b.connections, b.span)
	if err != nil {
		return found, err
	}
	after, err := b.used(s)
	if err != nil {
		return found, err
	}
	if k.besides {
		if err := <-signingIn; err != nil {
			return found, err
		}
	}
	requests := time.Duration(run.Requests)
	found = sample{
		rate: run.PerSecond(), p50: run.Percentile(50), p99: run.Percentile(99), requests: run.Requests,
		server: (after.server - before.server) / requests, database: (after.database - before.database) / requests,
		generator: run.CPU.Seconds() / run.Elapsed.Seconds(), thorough: float64(run.Thorough) / float64(run.Requests),
	}
	others := after.busy - before.busy - (after.server - before.server) - (after.database - before.database) - run.CPU
	found.others = max(0, others.Seconds()) / (run.Elapsed.Seconds() * float64(runtime.NumCPU()))
	if _, found.memory, err = s.process.Memory(); err != nil {
		return found, err
	}
	if k.after {
		return found, b.checkStored(ctx, s, calls, k)
	}
	return found, nil
}

// checkStored records the new display names, if the load changed any, and has each user read theirs.
func (b *bench) checkStored(ctx context.Context, s *server, calls []*load.Call, k kind) error {
	for i, call := range calls {
		if call.LastStamp != "" && call.LastStamp != load.Stamp {
			s.data.users[i].DisplayName = call.LastStamp
		}
	}
	if _, err := load.Run(ctx, s.addr, s.calls(me), b.connections, 0); err != nil {
		return fmt.Errorf("after %s: %w", k.name, err)
	}
	return nil
}

// usage is the processor time that a server, the database and everything have used.
type usage struct{ server, database, busy time.Duration }

func (b *bench) used(s *server) (u usage, err error) {
	if u.server, err = s.process.CPU(); err != nil {
		return u, err
	}
	if u.database, err = b.postgres.FamilyCPU(); err != nil {
		return u, err
	}
	u.busy, err = host.Busy()
	return u, err
}

// median returns the middle of a figure of the samples.
func median[T float64 | time.Duration | int](samples []sample, figure func(sample) T) T {
	all := make([]T, len(samples))
	for i, s := range samples {
		all[i] = figure(s)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
