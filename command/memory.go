package command

import (
	"cmp"
	"os"
)

// reserved is how many bytes the heap may grow beyond the live ones before the collector runs.
const reserved = 4 << 20

// reserveMemory returns memory that is never touched, so it takes no pages. While the caller keeps it, the collector counts it as
// live and runs less often. Otherwise it would run all the time, since the live heap of the service is a few megabytes. It returns
// nil if the operator has set GOGC or GOMEMLIMIT.
func reserveMemory() []byte {
	if cmp.Or(os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")) != "" {
		return nil
	}
	return make([]byte, reserved)
}
