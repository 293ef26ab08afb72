// Package anonymous owns accounts without an address and without a credential: their sign-up, how they become permanent, how many there
// can be, and the deletion of those that nobody uses. It must not know how an account is created or deleted: package accounts does.
//
//	SignUp ──► anonymous, with one session
//	            ├─ Upgrade ───────────────────────────────────► permanent
//	            │   └─ a verified address is required ─► code ─► permanent, by accounts.VerifyEmail
//	            ├─ another credential is added ───────────────► permanent
//	            └─ not used for Config.Idle ──────────────────► deleted, by Purge
package anonymous

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Config holds the settings of anonymous accounts.
type Config struct {
	On   bool          // whether visitors can create them
	Max  int           // how many there can be
	Idle time.Duration // how long one is kept that nobody uses
}

// Service has the use cases, over one database.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
	config   Config
	log      *slog.Logger
}

// New returns the use cases.
func New(d *db.DB, a *accounts.Service, c Config, log *slog.Logger) *Service {
	return &Service{db: d, accounts: a, config: c, log: log}
}

// On reports whether visitors can create anonymous accounts.
func (s *Service) On() bool { return s.config.On }

var (
	errOff  = fault.New(fault.Forbidden, "This service has no anonymous accounts. Sign up instead.")
	errFull = &fault.Error{Code: fault.Unavailable, Message: "There are too many anonymous accounts. Sign up with an email address, or try again later."}
)

// SignUp creates an anonymous account, its profile and its session. Without a username, it makes one up. The error is FORBIDDEN if the
// service has no anonymous accounts, and UNAVAILABLE if there are too many.
func (s *Service) SignUp(ctx context.Context, username *string, profile db.ProfileFields) (*accounts.SignedIn, error) {
	if !s.config.On {
		return nil, errOff
	}
	if err := s.accounts.Limits().CheckAnonymous(ctx); err != nil {
		return nil, err
	}
	if username == nil {
		made := newUsername()
		username = &made
	}
	return s.accounts.SignUpWith(ctx, accounts.SignUp{Username: *username, Profile: profile}, accounts.NewAccount{
		Proof: auth.Proof{Methods: []string{}}, NoEmail: true, Anonymous: true,
		Use: func(ctx context.Context, tx *db.SystemTx) error {
			return orFull(tx.HasRoomForAnonymous(ctx, s.config.Max))
		},
		Finish: func(ctx context.Context, tx *db.Tx) error {
			return orFull(tx.AdmitAnonymous(ctx, s.config.Max, s.config.Idle))
		},
	})
}

func orFull(room bool, err error) error {
	if err == nil && !room {
		return errFull
	}
	return err
}

// usernameEncoding has no letters that look like digits.
var usernameEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newUsername returns a username that nobody has: it has 80 random bits.
func newUsername() string {
	var random [10]byte
	rand.Read(random[:])
	return "guest-" + usernameEncoding.EncodeToString(random[:])
}

// Purge deletes the anonymous accounts that nobody has used for Config.Idle, each with everything that refers to it, and after the hooks
// that run before a deletion. It returns how many it has deleted. If a hook refuses, Purge logs that, and tries the account again a day
// later. Several instances may purge at once.
func (s *Service) Purge(ctx context.Context) (deleted int, err error) {
	for {
		id, err := s.deleteIdle(ctx)
		switch {
		case err != nil && id != uuid.Nil && ctx.Err() == nil:
			s.log.ErrorContext(ctx, "failed to delete an idle anonymous account; will retry in a day", "user", id, "error", err)
			if err := s.postpone(ctx, id); err != nil {
				return deleted, err
			}
		case err != nil, id == uuid.Nil:
			return deleted, err
		default:
			deleted++
		}
	}
}

// deleteIdle deletes one idle account, and returns its id; uuid.Nil if there is none.
func (s *Service) deleteIdle(ctx context.Context) (id uuid.UUID, err error) {
	session, _ := s.accounts.Sessions.Prepare()
	err = s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		if id, err = system.ClaimIdleAccount(ctx, s.config.Idle, session); err != nil || id == uuid.Nil {
			return err
		}
		tx, err := system.Enter(ctx, session.ID)
		if err != nil {
			return err
		}
		return s.accounts.DeleteIdle(ctx, tx)
	})
	if err != nil {
		return id, fmt.Errorf("delete an idle anonymous account: %w", err)
	}
	return id, nil
}

func (s *Service) postpone(ctx context.Context, id uuid.UUID) error {
	return s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		return tx.PostponeIdleAccount(ctx, id, 24*time.Hour)
	})
}
