package wire

import "syscall"

const (
	tcpUserTimeout       = 0x12 // TCP_USER_TIMEOUT, which package syscall does not name
	unacknowledgedMillis = 10_000
)

// limitUnacknowledged closes a TCP connection whose peer's kernel acknowledges nothing for ten seconds. Long statements are not
// affected, since the kernel acknowledges them at once.
func limitUnacknowledged(network, _ string, raw syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	return raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unacknowledgedMillis) //nolint:errcheck // the deadlines work without it
	})
}
