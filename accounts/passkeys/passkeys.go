// Package passkeys owns the use cases of passkeys: sign-up, sign-in, another passkey for an account, and reauthentication. Each has two
// requests, with a continuation between them. Package auth/passkeys has the protocol. It must not know GraphQL or HTTP, and leaves SQL
// to db.
package passkeys

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Service has the use cases.
type Service struct {
	db            *db.DB
	accounts      *accounts.Service
	continuations *continuations.Service
	limits        *limits.Limiter
	protocol      *passkeys.Service // nil: there are no passkeys
}

// New returns the use cases. Without a protocol, all of them are FORBIDDEN.
func New(d *db.DB, a *accounts.Service, c *continuations.Service, l *limits.Limiter, protocol *passkeys.Service) *Service {
	return &Service{db: d, accounts: a, continuations: c, limits: l, protocol: protocol}
}

// Available reports whether the service has passkeys.
func (s *Service) Available() bool { return s.protocol != nil }

func (s *Service) check() error {
	if s.protocol == nil {
		return fault.New(fault.Forbidden, "This service has no passkeys. They require https and a domain: see FREEHOLD_PASSKEY_RP_ID.")
	}
	return nil
}

// Started is a flow that waits for the browser.
type Started struct {
	Options json.RawMessage // for navigator.credentials
	continuations.Opened
}
