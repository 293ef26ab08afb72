package wire

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// MayPass reports whether another attempt can help.
func MayPass(err error) bool {
	return IsTransient(err) || IsStale(err) || IsStatementLost(err) || IsLost(err)
}

// IsCut reports whether the server cancelled a statement: because of a timeout, a lock timeout, or at our request.
func IsCut(err error) bool { return pq.As(err, pqerror.QueryCanceled, pqerror.LockNotAvailable) != nil }

// IsTransient reports whether the server rolled the transaction back because of a conflict with another one.
func IsTransient(err error) bool {
	return pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected) != nil
}

// IsStale reports whether a migration has changed the result columns of a prepared statement.
func IsStale(err error) bool { return pq.As(err, pqerror.FeatureNotSupported) != nil }

// ErrStatementLost means that a prepared statement has another number of parameters than its query.
var ErrStatementLost = errors.New("a prepared statement is not the one that was prepared")

// IsStatementLost reports whether a prepared statement is missing, or another one has its name, because a pooler gave the
// connection another server process.
func IsStatementLost(err error) bool {
	return errors.Is(err, ErrStatementLost) ||
		pq.As(err, pqerror.InvalidSQLStatementName, pqerror.DuplicatePstatement, pqerror.ProtocolViolation) != nil
}

// IsLost reports whether the connection is broken or the server has closed it.
func IsLost(err error) bool {
	if e := pq.As(err); e != nil {
		class := string(e.Code[:2])
		return class == "08" || class == "57" && e.Code != pqerror.QueryCanceled
	}
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED)
}
