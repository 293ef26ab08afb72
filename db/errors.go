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

	"freehold.dev/freehold/fault"
)

// The SQLSTATEs that our functions raise, app.enter most of all.
const (
	sessionRevoked = pqerror.Code("FH001")
	sessionExpired = pqerror.Code("FH002")
	sessionInvalid = pqerror.Code("FH003")
	signInTooOld   = pqerror.Code("FH004") // of app.require_reauthentication
)

// ErrTaken is the error of a write whose e-mail or username another account has got.
var ErrTaken = errors.New("taken")

// ErrRepeated is the error of a sign-up whose key has signed up an account already.
var ErrRepeated = errors.New("repeated")

// translate turns what PostgreSQL says into what a client may be told, where there is something; other errors stay as
// they are and are nobody's business but the log's.
func translate(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	e := pq.As(err)
	switch {
	case e == nil && (isLost(err) || isStatementLost(err) || errors.Is(err, context.DeadlineExceeded)):
		return fault.Busy(err)
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
	return &fault.Error{Code: fault.BadUserInput, Message: "A text holds a character that cannot be stored.", Err: cause}
}

// mayPass reports whether another attempt can help.
func mayPass(err error) bool {
	return isTransient(err) || isStale(err) || isStatementLost(err) || isLost(err)
}

// isCut reports whether the server ended a statement: at the end of its time, of the time that it may wait for a lock, or because
// we asked.
func isCut(err error) bool { return pq.As(err, pqerror.QueryCanceled, pqerror.LockNotAvailable) != nil }

// isTransient reports whether the server rolled the transaction back for a reason that may not come again.
func isTransient(err error) bool {
	return pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected) != nil
}

// isStale reports whether a migration changed what a prepared statement returns.
func isStale(err error) bool { return pq.As(err, pqerror.FeatureNotSupported) != nil }

// errStatementLost is the error of a statement that takes other parameters than its query.
var errStatementLost = errors.New("a prepared statement is not the one that was prepared")

// isStatementLost reports whether a prepared statement is gone, or another has its name: a pooler gave the connection
// another backend and did not take the statements along.
func isStatementLost(err error) bool {
	return errors.Is(err, errStatementLost) ||
		pq.As(err, pqerror.InvalidSQLStatementName, pqerror.DuplicatePstatement, pqerror.ProtocolViolation) != nil
}

// isLost reports whether the connection broke, or was broken by the server.
func isLost(err error) bool {
	if e := pq.As(err); e != nil {
		class := string(e.Code[:2])
		return class == "08" || class == "57" && e.Code != pqerror.QueryCanceled
	}
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED)
}
