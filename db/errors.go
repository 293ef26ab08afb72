package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db/literal"
	"freehold.dev/freehold/db/wire"
	"freehold.dev/freehold/fault"
)

// The SQLSTATEs that our SQL functions raise.
const (
	sessionRevoked = pqerror.Code("FH001")
	sessionExpired = pqerror.Code("FH002")
	sessionInvalid = pqerror.Code("FH003")
	signInTooOld   = pqerror.Code("FH004") // raised by app.require_reauthentication and app.prove_second_factor
	ownerRequired  = pqerror.Code("FH009") // raised by app.refuse_update
	lastOperator   = pqerror.Code("FH005") // raised by app.require_other_operator
	scopeMissing   = pqerror.Code("FH006") // raised by app.require_scope

	tooManyCredentials = pqerror.Code("FH010") // raised by app.add_credential
	lastCredential     = pqerror.Code("FH011") // raised by app.remove_credential
	exportTooLarge     = pqerror.Code("FH012") // raised by app.export_rows
)

// ErrTaken means that another account has the e-mail or username.
var ErrTaken = errors.New("taken")

// ErrIdentityTaken means that another account has a user of an identity provider.
var ErrIdentityTaken = errors.New("another account has the identity")

// ErrPasskeyTaken means that an account has the passkey already.
var ErrPasskeyTaken = errors.New("passkey taken")

// ErrLastOperator means that an account cannot be removed, because no other account could enable accounts. It wraps a fault for clients.
var ErrLastOperator = errors.New("the last operator")

// ErrRepeated means that an earlier sign-up has used the idempotency key.
var ErrRepeated = errors.New("repeated")

// translate turns PostgreSQL's errors into faults where a client can act on them. Other errors stay as they are, for the log.
func translate(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	e := pq.As(err)
	switch {
	case e == nil && (wire.IsLost(err) || wire.IsStatementLost(err) || errors.Is(err, context.DeadlineExceeded)):
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
		return fault.Reauthenticate(strings.Fields(e.Detail)...)
	case e.Code == ownerRequired:
		return &fault.Error{Code: fault.Forbidden, Message: "Only the owner may change these fields.", Err: err}
	case e.Code == lastOperator:
		return &fault.Error{Code: fault.Forbidden, Message: lastOperatorMessage, Err: ErrLastOperator}
	case e.Code == scopeMissing:
		return fault.New(fault.Forbidden, "You do not have the scope that this operation requires.")
	case e.Code == tooManyCredentials:
		return errTooManyCredentials
	case e.Code == lastCredential:
		return errLastCredential
	case e.Code == exportTooLarge:
		return fmt.Errorf("%w: %w", ErrExportTooLarge, err)
	case e.Code == pqerror.UniqueViolation && e.Constraint == "sign_up_keys_pkey":
		return fmt.Errorf("%w: %w", ErrRepeated, err)
	case e.Code == pqerror.UniqueViolation && e.Constraint == "passkeys_key_id":
		return fmt.Errorf("%w: %w", ErrPasskeyTaken, err)
	case e.Code == pqerror.UniqueViolation && (e.Constraint == "user_private_email_key" || e.Constraint == "profiles_username_key"):
		return fmt.Errorf("%w: %w", ErrTaken, err)
	case e.Code == pqerror.UniqueViolation && e.Constraint == "identities_subject":
		return fmt.Errorf("%w: %w", ErrIdentityTaken, err)
	case e.Code == pqerror.CharacterNotInRepertoire:
		return notStorable(err)
	case wire.MayPass(err), wire.IsCut(err), strings.HasPrefix(string(e.Code), "53"):
		return fault.Busy(err)
	}
	return err
}

const lastOperatorMessage = "This account is the last operator. Grant another account the scope `accounts:disable` first."

func notStorable(cause error) error {
	return &fault.Error{Code: fault.BadUserInput, Message: "A text contains a character that cannot be stored.", Err: cause}
}
