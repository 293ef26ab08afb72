package main

import (
	"cmp"
	"os"
)

// reserved is how many bytes the heap may grow before the collector runs, besides those that are live.
const reserved = 4 << 20

// reserveMemory returns memory that nobody touches, so it takes no pages. While the caller keeps it, the collector counts it as live and
// runs less often. The service's live heap is a few megabytes, so that the collector would be at work all the time; that of a larger heap
// is not affected much. The operator who sets GOGC or GOMEMLIMIT decides alone: then it returns nothing.
func reserveMemory() []byte {
	if cmp.Or(os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")) != "" {
		return nil
	}
	return make([]byte, reserved)
}
