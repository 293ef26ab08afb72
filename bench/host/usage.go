//go:build linux

package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on all of Linux' platforms that Go has.
const tick = 10 * time.Millisecond

// CPU returns the processor time that the process has used.
func (p *Process) CPU() (time.Duration, error) {
	s, err := readStat(p.PID())
	return s.own, err
}

// FamilyCPU returns the processor time that the process, its children, and their ended children have used.
func (p *Process) FamilyCPU() (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		switch {
		case err != nil: // it has ended meanwhile
		case pid == p.PID():
			sum += s.own + s.ended
		case s.parent == p.PID():
			sum += s.own
		}
	}
	return sum, nil
}

type stat struct {
	parent     int
	own, ended time.Duration
}

func readStat(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, fmt.Errorf("read the times of a process: %w", err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name before may have spaces
	if len(fields) < 15 {
		return s, fmt.Errorf("read the times of a process: %q", text)
	}
	number := func(i int) time.Duration {
		n, _ := strconv.Atoi(fields[i]) // the kernel writes numbers
		return time.Duration(n)
	}
	return stat{
		parent: int(number(1)),
		own:    (number(11) + number(12)) * tick,
		ended:  (number(13) + number(14)) * tick,
	}, nil
}

// Busy returns the time that all processors together were not idle, since the machine started. Time that a hypervisor gave to others
// counts as busy.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the times of the processors: %w", err)
	}
	const idle, ioWait, steal = 3, 4, 7 // the order is user, nice, system, idle, iowait, irq, softirq, steal
	line, _, _ := strings.Cut(string(text), "\n")
	var sum time.Duration
	for i, field := range strings.Fields(line)[1:] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read the times of the processors: %w", err)
		}
		if i <= steal && i != idle && i != ioWait {
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}

// Memory returns the bytes of the process's resident memory: now, and the most since ForgetPeak.
func (p *Process) Memory() (now, peak int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			now = kilobytes << 10
		case "VmHWM":
			peak = kilobytes << 10
		}
	}
	return now, peak, nil
}

// ForgetPeak restarts the measurement of the most memory.
func (p *Process) ForgetPeak() error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		return fmt.Errorf("reset the most memory of a process: %w", err)
	}
	return nil
}
