//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// targets are the ratios of requests per second to reach.
var targets = map[string]struct{ better, apollo, postgraphile float64 }{
	"W1":  {2.5, 3.5, 6},
	"W2":  {2.5, 3.5, 6},
	"W3":  {2.5, 3.5, 6},
	"W4a": {3, 3.5, 6},
	"W4b": {3, 3.5, 6},
}

const (
	mostMemory      = 60e6
	mostP99Hashing  = 20 * time.Millisecond
	mostRowSecurity = 0.25
)

// report prints the measurements as Markdown.
func (b *bench) report(w io.Writer, machine string, all results) error {
	p := &printer{w: w}
	p.print("%s. %d accounts, %d connections, %d users' tokens in turn; medians of %d runs of %s.\n\n",
		machine, b.accounts, b.connections, users, b.rounds, b.span)
	loads := slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return all[k.name] == nil })
	names := []string{}
	for _, s := range b.measured() {
		names = append(names, s.name)
	}
	b.printRates(p, all, loads, names)
	printLatencies(p, all, loads, names)
	b.printMemory(p, all, loads, names)
	for _, s := range b.measured() {
		if !s.peer {
			printRatios(p, all, loads, s.name)
		}
	}
	printRowSecurity(p, all, loads, names)
	return p.err
}

// printer prints until an error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) row(cells ...string) { p.print("| %s |\n", strings.Join(cells, " | ")) }

func (p *printer) head(cells ...string) {
	p.row(cells...)
	p.print("%s|\n", strings.Repeat("|---", len(cells)))
}

func (k kind) title() string { return k.name + " " + k.text }

func rateOf(samples []sample) float64 {
	return median(samples, func(s sample) float64 { return s.rate })
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }

func (b *bench) printRates(p *printer, all results, loads []kind, names []string) {
	p.print("Requests per second · ms of CPU per request, server + PostgreSQL:\n\n")
	columns := slices.Clone(names)
	for _, name := range []string{"pgbench", "pgbench without row security"} {
		if slices.Contains(b.options.servers, "pgbench") {
			columns = append(columns, name)
		}
	}
	p.head(append([]string{"load"}, columns...)...)
	generator, thorough, others := 0.0, 0.0, []sample{}
	for _, k := range loads {
		row := []string{k.title()}
		for _, name := range columns {
			samples := all[k.name][name]
			if samples == nil {
				row = append(row, "–")
				continue
			}
			server := median(samples, func(s sample) time.Duration { return s.server })
			database := median(samples, func(s sample) time.Duration { return s.database })
			row = append(row, fmt.Sprintf("%.0f · %s + %s", rateOf(samples), milliseconds(server), milliseconds(database)))
			for _, s := range samples {
				generator = max(generator, s.generator)
				if slices.Contains(names, name) { // pgbench's samples have no such figure
					others = append(others, s)
				}
				if !k.hashes {
					thorough = max(thorough, s.thorough)
				}
			}
		}
		p.row(row...)
	}
	othersOf := func(s sample) float64 { return s.others }
	p.print("\nThe requests and the check of their answers took %.0f %% of one core at most. Programs that are not part of the run took %.0f %% of the"+
		" machine (median). Of a load, at most %.1f %% of the answers were not byte for byte as expected, and were compared field by field. W5 and W6"+
		" always are.\n\n", 100*generator, 100*median(others, othersOf), 100*thorough)
}

func printLatencies(p *printer, all results, loads []kind, names []string) {
	p.print("p50 / p99 in ms:\n\n")
	p.head(append([]string{"load"}, names...)...)
	for _, k := range loads {
		row := []string{k.title()}
		for _, name := range names {
			samples := all[k.name][name]
			row = append(row, milliseconds(median(samples, func(s sample) time.Duration { return s.p50 }))+" / "+milliseconds(p99Of(samples)))
		}
		p.row(row...)
	}
	p.print("\n")
}

func p99Of(samples []sample) time.Duration {
	return median(samples, func(s sample) time.Duration { return s.p99 })
}

// cpuOf returns the processor time of a request, in the server and in PostgreSQL.
func cpuOf(samples []sample) time.Duration {
	return median(samples, func(s sample) time.Duration { return s.server + s.database })
}

func memoryOf(samples []sample) int {
	return slices.MaxFunc(samples, func(a, b sample) int { return a.memory - b.memory }).memory
}

func (b *bench) printMemory(p *printer, all results, loads []kind, names []string) {
	p.print("Memory of the server process (RSS), the most of all runs, in MB:\n\n")
	p.head(append([]string{"load"}, names...)...)
	row := []string{"idle"}
	for _, s := range b.measured() {
		row = append(row, fmt.Sprintf("%.0f", float64(s.idle)/1e6))
	}
	p.row(row...)
	for _, k := range loads {
		row := []string{k.title()}
		for _, name := range names {
			row = append(row, fmt.Sprintf("%.0f", float64(memoryOf(all[k.name][name]))/1e6))
		}
		p.row(row...)
	}
	p.print("\n")
}

func met(yes bool) string { return map[bool]string{true: "yes", false: "no"}[yes] }

// printRatios compares a freehold with the peers.
func printRatios(p *printer, all results, loads []kind, name string) {
	p.print("Ratios of %s, and targets:\n\n", name)
	p.head("load", "to PostGraphile", "to Apollo", "better peer: target", "met", "moonshot (6 and 3.5)", "CPU to the better peer's",
		"p99 to the better peer's", "at most 0.5", "memory", "under 60 MB")
	for _, k := range loads {
		own, peers := all[k.name][name], all[k.name]
		row := []string{k.title()}
		toPG, toApollo := ratio(own, peers["PostGraphile"]), ratio(own, peers["Apollo"])
		row = append(row, shown(toPG), shown(toApollo))
		if t, known := targets[k.name]; known && toPG > 0 && toApollo > 0 {
			best := min(toPG, toApollo)
			row = append(row, fmt.Sprintf("%.2f of %.1f", best, t.better), met(best >= t.better), met(toPG >= t.postgraphile && toApollo >= t.apollo))
		} else {
			row = append(row, "–", "–", "–")
		}
		if peers["PostGraphile"] != nil && peers["Apollo"] != nil {
			cpu := float64(cpuOf(own)) / float64(min(cpuOf(peers["PostGraphile"]), cpuOf(peers["Apollo"])))
			p99 := float64(p99Of(own)) / float64(min(p99Of(peers["PostGraphile"]), p99Of(peers["Apollo"])))
			row = append(row, fmt.Sprintf("%.2f", cpu), fmt.Sprintf("%.2f", p99), met(p99 <= 0.5))
		} else {
			row = append(row, "–", "–", "–")
		}
		memory := memoryOf(own)
		p.row(append(row, fmt.Sprintf("%.0f", float64(memory)/1e6), met(float64(memory) < mostMemory))...)
	}
	p.print("\n")
	if hashing := all["W1+"][name]; hashing != nil {
		p99 := p99Of(hashing)
		p.print("Reads while 32 connections sign in: p99 %s ms, target under 20: %s.\n\n", milliseconds(p99), met(p99 < mostP99Hashing))
	}
}

// ratio compares requests per second; it is 0 if one has none.
func ratio(own, peer []sample) float64 {
	if own == nil || peer == nil {
		return 0
	}
	return rateOf(own) / rateOf(peer)
}

func shown(ratio float64) string {
	if ratio == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// printRowSecurity prints the part of freehold's request that row security takes: the additional processor time of a
// transaction, compared with a role that bypasses it.
func printRowSecurity(p *printer, all results, loads []kind, names []string) {
	for _, k := range loads {
		with, without, own := all[k.name]["pgbench"], all[k.name]["pgbench without row security"], all[k.name][names[0]]
		if with == nil || without == nil || own == nil {
			continue
		}
		database := func(s sample) time.Duration { return s.database }
		more := median(with, database) - median(without, database)
		part := float64(more) / float64(cpuOf(own))
		p.print("Row security takes %s ms of a request of %s, %.0f %%, target under 25 %%: %s.\n",
			milliseconds(more), k.name, 100*part, met(part < mostRowSecurity))
	}
}
