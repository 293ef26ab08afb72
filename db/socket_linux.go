package db

import "syscall"

const (
	tcpUserTimeout       = 0x12 // TCP_USER_TIMEOUT, which package syscall does not name
	unacknowledgedMillis = 10_000
)

// limitUnacknowledged ends a TCP connection whose peer's kernel acknowledges nothing for ten seconds. How long a statement
// runs makes no difference, since the kernel acknowledges it at once.
func limitUnacknowledged(network, _ string, raw syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	return raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unacknowledgedMillis) //nolint:errcheck // the deadlines hold without it
	})
}
