//go:build !linux

package wire

import "syscall"

// limitUnacknowledged does nothing: TCP_USER_TIMEOUT exists on Linux only. Keepalive still works.
func limitUnacknowledged(string, string, syscall.RawConn) error { return nil }
