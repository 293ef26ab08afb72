package telemetry

import (
	"strings"
	"sync"
)

const (
	maxNames      = 100    // labels of untrusted names
	maxCandidates = 1000   // counted names, including labels
	oftenSeen     = 10     // how often a name has to be seen before it becomes a label
	halfLife      = 10_000 // requests with known names after which all counts are halved
	maxNameLength = 64     // bytes
	otherName     = "other"
)

// boundedName returns the name of an operation for a span. Spans may have any number of names, but no long ones.
func boundedName(name string) string {
	if len(name) > maxNameLength {
		return otherName
	}
	return name
}

// operationNames decides which names of operations become labels of metrics, since clients choose the names. Names in trusted
// documents always do. Other names do once they were seen often, if there is room. A flood of new names displaces only other new
// names. A name stops being a label when it was not seen for a number of requests, or when another name is seen more than twice as
// often.
type operationNames struct {
	isTrusted func(name string) bool // nil: no name is
	dropped   func(name string)      // called with the lock held when a name stops being a label

	mu     sync.Mutex
	seen   map[string]*seenName
	labels int
	hits   int // of known names, since the counts were halved
}

type seenName struct {
	name  string
	count int
	label bool
}

// label returns the name itself, or "other".
func (n *operationNames) label(name string) string {
	switch {
	case name == "" || n.isTrusted != nil && n.isTrusted(name):
		return name
	case boundedName(name) == otherName:
		return otherName
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, known := n.seen[name]
	if !known {
		n.add(name)
		return otherName
	}
	s.count++
	if !s.label && s.count%oftenSeen == 0 && n.makeRoom(s.count) {
		s.label = true
		n.labels++
	}
	if n.hits++; n.hits == halfLife {
		n.halve()
	}
	if s.label {
		return s.name
	}
	return otherName
}

// makeRoom reports whether there is room for a label that was seen count times. If necessary, it drops the label that was seen least,
// if that was less than half as often.
func (n *operationNames) makeRoom(count int) bool {
	if n.labels < maxNames {
		return true
	}
	var rarest *seenName
	for _, s := range n.seen {
		if s.label && (rarest == nil || s.count < rarest.count) {
			rarest = s
		}
	}
	if 2*rarest.count >= count {
		return false
	}
	n.drop(rarest)
	return true
}

func (n *operationNames) drop(s *seenName) {
	s.label = false
	n.labels--
	n.dropped(s.name)
}

// add counts a new name. If there are too many names, it replaces a random one that is not a label.
func (n *operationNames) add(name string) {
	if n.seen == nil {
		n.seen = map[string]*seenName{}
	}
	if len(n.seen) >= maxCandidates {
		for other, s := range n.seen { // in random order
			if !s.label {
				delete(n.seen, other)
				break
			}
		}
	}
	name = strings.Clone(name) // otherwise it would keep the whole document in memory
	n.seen[name] = &seenName{name: name, count: 1}
}

func (n *operationNames) halve() {
	n.hits = 0
	for name, s := range n.seen {
		if s.count /= 2; s.count > 0 {
			continue
		}
		delete(n.seen, name)
		if s.label {
			n.drop(s)
		}
	}
}

// fewNames lets the first names that it sees become labels of metrics, for names that the program's source chooses.
type fewNames struct {
	mu   sync.Mutex
	seen map[string]bool
}

// label returns the name itself, or "other".
func (n *fewNames) label(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[name] {
		return name
	}
	if len(n.seen) >= maxNames || boundedName(name) == otherName {
		return otherName
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	name = strings.Clone(name) // otherwise it would keep the longer text that it is part of
	n.seen[name] = true
	return name
}
