package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db/literal"
	"freehold.dev/freehold/fault"
)

// The SQLSTATEs that our SQL functions raise.
const (
	sessionRevoked = pqerror.Code("FH001")
	sessionExpired = pqerror.Code("FH002")
	sessionInvalid = pqerror.Code("FH003")
	signInTooOld   = pqerror.Code("FH004") // raised by app.require_reauthentication
)

// ErrTaken means that another account has the e-mail or username.
var ErrTaken = errors.New("taken")

// ErrRepeated means that an earlier sign-up has used the idempotency key.
var ErrRepeated = errors.New("repeated")

// translate turns PostgreSQL's errors into faults where a client can act on them. Other errors stay as they are, for the log.
func translate(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	e := pq.As(err)
	switch {
	case e == nil && (isLost(err) || isStatementLost(err) || errors.Is(err, context.DeadlineExceeded)):
		return fault.Busy(err)
	case errors.Is(err, literal.ErrNotStorable):
		return notStorable(err)
	case e == nil:
		return err
	case e.Code == sessionRevoked:
		return fault.SignIn(fault.Revoked)
	case e.Code == sessionExpired:
		return fault.SignIn(fault.Expired)
	case e.Code == sessionInvalid:
		return fault.SignIn(fault.Invalid)
	case e.Code == signInTooOld:
		return fault.Reauthenticate()
	case e.Code == pqerror.UniqueViolation && e.Constraint == "sign_up_keys_pkey":
		return fmt.Errorf("%w: %w", ErrRepeated, err)
	case e.Code == pqerror.UniqueViolation && (e.Constraint == "user_private_email_key" || e.Constraint == "profiles_username_key"):
		return fmt.Errorf("%w: %w", ErrTaken, err)
	case e.Code == pqerror.CharacterNotInRepertoire:
		return notStorable(err)
	case mayPass(err), isCut(err), strings.HasPrefix(string(e.Code), "53"):
		return fault.Busy(err)
	}
	return err
}

func notStorable(cause error) error {
	return &fault.Error{Code: fault.BadUserInput, Message: "A text contains a character that cannot be stored.", Err: cause}
}

// mayPass reports whether another attempt can help.
func mayPass(err error) bool {
	return isTransient(err) || isStale(err) || isStatementLost(err) || isLost(err)
}

// isCut reports whether the server cancelled a statement: because of a timeout, a lock timeout, or at our request.
func isCut(err error) bool { return pq.As(err, pqerror.QueryCanceled, pqerror.LockNotAvailable) != nil }

// isTransient reports whether the server rolled the transaction back because of a conflict with another one.
func isTransient(err error) bool {
	return pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected) != nil
}

// isStale reports whether a migration has changed the result columns of a prepared statement.
func isStale(err error) bool { return pq.As(err, pqerror.FeatureNotSupported) != nil }

// errStatementLost means that a prepared statement has another number of parameters than its query.
var errStatementLost = errors.New("a prepared statement is not the one that was prepared")

// isStatementLost reports whether a prepared statement is missing, or another one has its name, because a pooler gave the
// connection another server process.
func isStatementLost(err error) bool {
	return errors.Is(err, errStatementLost) ||
		pq.As(err, pqerror.InvalidSQLStatementName, pqerror.DuplicatePstatement, pqerror.ProtocolViolation) != nil
}

// isLost reports whether the connection is broken or the server has closed it.
func isLost(err error) bool {
	if e := pq.As(err); e != nil {
		class := string(e.Code[:2])
		return class == "08" || class == "57" && e.Code != pqerror.QueryCanceled
	}
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED)
}
