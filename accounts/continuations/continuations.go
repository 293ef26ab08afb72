// Package continuations owns flows of several requests, such as a sign-in with a second factor: the token that continues one, and to
// which client it belongs. It must not know what a flow is about.
//
// A token works for ten minutes, for one purpose, once, and only for the client that has started the flow. A browser that is to hold its
// session in cookies is recognised by a cookie of its own. Other clients are recognised by their User-Agent header: that says little, but
// such a client is also the only one that has the token.
package continuations

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Purpose says what a flow is about. A token of one purpose cannot continue a flow of another.
type Purpose string

// The purposes of package accounts. Each further way in has its own.
const (
	SecondFactor Purpose = "SECOND_FACTOR" // a sign-in whose second factor is missing
	SignUp       Purpose = "SIGN_UP"       // a sign-up whose username is missing
)

// Service opens and continues flows.
type Service struct{ db *db.DB }

// New returns the service.
func New(d *db.DB) *Service { return &Service{db: d} }

// Flow is a flow to open.
type Flow struct {
	Purpose Purpose
	UserID  uuid.UUID // whose account it continues; uuid.Nil if there is none yet
	Cookie  bool      // whether cookies are to hold the session
	Data    any       // what the flow knows, for encoding/json
}

// Opened is a flow that was opened.
type Opened struct {
	Token     string
	ExpiresAt time.Time
}

// Tx is a transaction, of a viewer or of the system.
type Tx interface {
	OpenContinuation(ctx context.Context, c db.Continuation) error
	UseContinuation(ctx context.Context, id []byte, purpose string) (ok bool, err error)
}

// Open opens a flow in a transaction.
func (s *Service) Open(ctx context.Context, tx Tx, f Flow) (*Opened, error) {
	client, err := startingClient(ctx, f.Cookie)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(f.Data)
	if err != nil {
		return nil, fmt.Errorf("open a flow: %w", err)
	}
	token := auth.NewFlowToken()
	sealed, err := token.Seal(data)
	if err != nil {
		return nil, fmt.Errorf("open a flow: %w", err)
	}
	stored := db.Continuation{ID: token.Hash(), Purpose: string(f.Purpose), ClientHash: client, Data: sealed, ValidFor: auth.FlowLifetime}
	if f.UserID != uuid.Nil {
		stored.UserID = &f.UserID
	}
	if err := tx.OpenContinuation(ctx, stored); err != nil {
		return nil, err
	}
	return &Opened{Token: token.String(), ExpiresAt: time.Now().Add(auth.FlowLifetime).UTC().Truncate(time.Second)}, nil
}

// Start opens a flow in a transaction of its own.
func (s *Service) Start(ctx context.Context, f Flow) (opened *Opened, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		opened, err = s.Open(ctx, tx, f)
		return err
	})
	return opened, err
}

// Found is a flow that a client continues.
type Found struct {
	UserID  uuid.UUID // uuid.Nil if there is no account yet
	Cookie  bool      // whether cookies are to hold the session
	purpose Purpose
	path    string
	id      []byte
}

// Hash returns the hash of the token, by which limits count attempts to continue the flow.
func (f *Found) Hash() []byte { return f.id }

// Find returns the flow of a token, and decodes what the flow knows into data. It does not use the flow up. Path is that of the token in
// the input. The error is BAD_USER_INPUT there, the same for each token that cannot continue a flow of this purpose for this client.
func (s *Service) Find(ctx context.Context, p Purpose, path, token string, data any) (*Found, error) {
	read, ok := auth.ReadFlowToken(token)
	if !ok {
		return nil, Invalid(path)
	}
	browser, device := clients(ctx)
	stored, ok, err := s.db.FindContinuation(ctx, read.Hash(), string(p), browser, device)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, Invalid(path)
	}
	f := &Found{purpose: p, path: path, id: read.Hash(), Cookie: bytes.Equal(stored.ClientHash, browser)}
	if stored.UserID != nil {
		f.UserID = *stored.UserID
	}
	plain, err := read.Open(stored.Data)
	if err == nil {
		err = json.Unmarshal(plain, data)
	}
	if err != nil {
		return nil, fmt.Errorf("continue a flow: %w", err)
	}
	return f, nil
}

// Use uses a flow up, in the transaction that completes it. The error is that of Find if another request was faster.
func (s *Service) Use(ctx context.Context, tx Tx, f *Found) error {
	ok, err := tx.UseContinuation(ctx, f.id, string(f.purpose))
	if err == nil && !ok {
		err = Invalid(f.path)
	}
	return err
}

// Invalid returns the error for a token that cannot continue a flow.
func Invalid(path string) error {
	return fault.Input(path, "INVALID", "This continuation token is invalid, was used already, or has expired. Start again.")
}

// startingClient returns the hash of what the client that starts a flow has.
func startingClient(ctx context.Context, cookie bool) ([]byte, error) {
	if !cookie {
		return hash("device", auth.ClientFrom(ctx).Device), nil
	}
	jar := auth.JarFrom(ctx)
	if jar == nil {
		return nil, fault.New(fault.Forbidden, "Only pages of the service's own origin can use cookies. Request tokens instead.")
	}
	return hash("browser", jar.StartFlow()), nil
}

// clients returns the hashes of what the client that continues a flow may have had when it started it.
func clients(ctx context.Context) (browser, device []byte) {
	device = hash("device", auth.ClientFrom(ctx).Device)
	if jar := auth.JarFrom(ctx); jar != nil && jar.Flow() != "" {
		browser = hash("browser", jar.Flow())
	}
	return browser, device
}

func hash(kind, value string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	return sum[:]
}
