// Package fault owns the errors that clients see: their codes, messages, and the input fields that they name.
//
// Nothing else leaves the process. The server logs an error that is not a *fault.Error, and returns INTERNAL_SERVER_ERROR
// instead. So use this package for everything that a client should know. It must not know GraphQL, HTTP or SQL.
package fault

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Code is the stable, machine-readable name of a kind of failure: extensions.code of a GraphQL error. The names are those of
// Apollo Server, where it has one.
type Code string

// The codes that clients can rely on.
const (
	Unauthenticated        Code = "UNAUTHENTICATED"
	Forbidden              Code = "FORBIDDEN"
	NotFound               Code = "NOT_FOUND"
	BadUserInput           Code = "BAD_USER_INPUT"
	Conflict               Code = "CONFLICT"
	RateLimited            Code = "RATE_LIMITED"
	ReauthRequired         Code = "REAUTH_REQUIRED"
	Unavailable            Code = "UNAVAILABLE"
	TooCostly              Code = "OPERATION_TOO_COSTLY"
	Internal               Code = "INTERNAL_SERVER_ERROR"
	BadRequest             Code = "BAD_REQUEST"
	PersistedQueryNotFound Code = "PERSISTED_QUERY_NOT_FOUND"
	NotInSafelist          Code = "QUERY_NOT_IN_SAFELIST"
	InvalidCredentials     Code = "INVALID_CREDENTIALS" //nolint:gosec // a code, no credential
	ParseFailed            Code = "GRAPHQL_PARSE_FAILED"
	ValidationFailed       Code = "GRAPHQL_VALIDATION_FAILED"
)

// Reason says why a viewer is anonymous: extensions.reason of UNAUTHENTICATED.
type Reason string

// The reasons of UNAUTHENTICATED.
const (
	Missing Reason = "missing" // the client sent no token
	Invalid Reason = "invalid" // the token is not ours or is damaged, or its account is disabled
	Expired Reason = "expired" // the token or its session has expired
	Revoked Reason = "revoked" // the session was revoked
)

// Flaw is what is wrong with one value. The zero value means that the value is valid.
type Flaw struct {
	Code    string `json:"code"`             // such as TOO_SHORT or TAKEN
	Message string `json:"message"`          // a sentence for people, without the value
	Params  Params `json:"params,omitempty"` // the bounds that the message names
}

// Params are the bounds that a message names, such as min, max or retryAfter. Clients use them to translate the message. Values
// are whole numbers, or dates as text.
type Params map[string]any

// IsZero reports whether the value is valid.
func (f Flaw) IsZero() bool { return f.Code == "" }

// At returns BAD_USER_INPUT for the value at path.
func (f Flaw) At(path string) *Error {
	return &Error{Code: BadUserInput, Message: f.Message, Fields: []Field{{path, f}}}
}

// Field is a flaw of an input field.
type Field struct {
	Path string `json:"path"` // from the argument on, such as "input.email"
	Flaw
}

// Error is a failure that a client may see completely, except for its cause Err, which is for logs and errors.Is.
type Error struct {
	Code       Code
	Message    string
	Reason     Reason        // UNAUTHENTICATED only
	RetryAfter time.Duration // RATE_LIMITED and UNAVAILABLE; zero if unknown
	Fields     []Field       // BAD_USER_INPUT and CONFLICT; also RATE_LIMITED, if the limit is about one field
	Acceptable []string      // REAUTH_REQUIRED: the factors of the viewer that the action accepts next
	Cost       int           // OPERATION_TOO_COSTLY: the cost of the operation
	CostLimit  int           // and the limit
	Err        error
}

// Error returns the text for logs: the code, the message, the paths of the faults, and the cause.
func (e *Error) Error() string {
	if len(e.Fields) == 0 && e.Err == nil {
		return string(e.Code) + ": " + e.Message
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Code, e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s %s]", f.Path, f.Code)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// RetrySeconds returns RetryAfter in whole seconds, rounded up.
func (e *Error) RetrySeconds() int { return int(math.Ceil(e.RetryAfter.Seconds())) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error with this code and message.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// SignIn returns UNAUTHENTICATED with a reason.
func SignIn(reason Reason) *Error {
	if reason == "" {
		reason = Missing
	}
	return &Error{Code: Unauthenticated, Message: signInMessages[reason], Reason: reason}
}

var signInMessages = map[Reason]string{
	Missing: "You must be signed in.",
	Invalid: "The token is invalid. Sign in again.",
	Expired: "The token or its session has expired. Refresh the session, or sign in again.",
	Revoked: "The session was revoked. Sign in again.",
}

// Gone returns NOT_FOUND, the same for a row that is missing and for one that is hidden.
func Gone() *Error { return New(NotFound, "Not found.") }

// Denied returns FORBIDDEN, for a viewer who may see a row but does not own it.
func Denied() *Error { return New(Forbidden, "You are not the owner of this object.") }

// Unrelated returns FORBIDDEN, for a viewer who may see a row but does not have a relation to it, or a stronger one.
func Unrelated(relation string) *Error {
	return New(Forbidden, "This requires the relation "+relation+" to this object.")
}

// Unscoped returns FORBIDDEN, for a member whose account does not have scopes.
func Unscoped() *Error {
	return New(Forbidden, "This requires scopes that your account does not have.")
}

// Reauthenticate returns REAUTH_REQUIRED, for a sensitive action of a viewer who proved too long ago who they are. Acceptable are the
// factors that the viewer has and that the action accepts next, such as PASSWORD.
func Reauthenticate(acceptable ...string) *Error {
	return &Error{Code: ReauthRequired, Message: "Please confirm that it is you (`reauthenticate`), and try again.", Acceptable: acceptable}
}

// Bug returns INTERNAL_SERVER_ERROR, for an error that clients must not see.
func Bug() *Error {
	return New(Internal, "An internal error occurred. Include the request ID when you report it.")
}

// Busy returns UNAVAILABLE, for a service that cannot do its work now. The cause is for the log.
func Busy(cause error) *Error {
	return &Error{Code: Unavailable, Message: "The service is temporarily unavailable. Try again.", RetryAfter: time.Second, Err: cause}
}

// Input returns BAD_USER_INPUT for a single field.
func Input(path, code, message string) *Error {
	return Flaw{Code: code, Message: message}.At(path)
}

// LimitAt adds to a RATE_LIMITED the field whose value the limit is about. It returns any other error unchanged.
func LimitAt(path string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != RateLimited {
		return err
	}
	named := *e
	named.Fields = []Field{{path, Flaw{string(e.Code), e.Message, Params{"retryAfter": e.RetrySeconds()}}}}
	return &named
}

// Taken returns CONFLICT for a single field whose value another account has.
func Taken(path, message string) error {
	var f Faults
	f.Taken(path, message)
	return f.Err()
}

// Is reports whether err is, or wraps, an Error with this code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// taken is the only field code that makes an error a CONFLICT.
const taken = "TAKEN"

// Faults collects all faults of an input, so that a form can show them at once. The zero value is ready to use.
type Faults struct{ fields []Field }

// Add adds a flaw of the field at path, unless it is zero. It keeps only the first flaw of a field.
func (f *Faults) Add(path string, flaw Flaw) {
	if !flaw.IsZero() && !slices.ContainsFunc(f.fields, func(x Field) bool { return x.Path == path }) {
		f.fields = append(f.fields, Field{path, flaw})
	}
}

// AddAll adds the faults of another collection.
func (f *Faults) AddAll(further Faults) {
	for _, x := range further.fields {
		f.Add(x.Path, x.Flaw)
	}
}

// Taken adds that another account has the value at path. If all faults are of this kind, the error is CONFLICT, else
// BAD_USER_INPUT.
func (f *Faults) Taken(path, message string) {
	f.Add(path, Flaw{Code: taken, Message: message})
}

// Fields returns the faults so far.
func (f *Faults) Fields() []Field { return f.fields }

// Err returns one error with all faults; nil if there are none.
func (f *Faults) Err() error {
	if len(f.fields) == 0 {
		return nil
	}
	e := &Error{Code: Conflict, Fields: f.fields}
	for _, x := range f.fields {
		if x.Code != taken {
			e.Code = BadUserInput
		}
	}
	e.Message = f.fields[0].Message
	if len(f.fields) > 1 {
		e.Message = "Some fields are invalid."
	}
	return e
}

// maxRepeated bounds a text that repeats what a client sent, in bytes.
const maxRepeated = 200

// Shorten cuts a text that repeats what a client sent to 200 bytes, and then ends it with an ellipsis.
func Shorten(text string) string {
	if len(text) <= maxRepeated {
		return text
	}
	return strings.ToValidUTF8(text[:maxRepeated], "") + "…"
}
