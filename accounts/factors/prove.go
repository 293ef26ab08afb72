package factors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

const tokenPath = "input.continuationToken"

// mostGuesses is how many guesses one flow takes. After that, the client starts again with a first factor.
const mostGuesses = 10

// methods are those of a second factor, in the claim amr (RFC 8176): a one-time password, which a recovery code is too, and two factors.
var methods = []string{"otp", "mfa"}

// Second is a second factor that a client sends: a code of an authenticator app, or a recovery code. Nil means that it sends none.
type Second struct{ Code, RecoveryCode *string }

var (
	wrongCode     = fault.Flaw{Code: "INVALID", Message: "This code is incorrect, has expired or was used already."}
	wrongRecovery = fault.Flaw{Code: "INVALID", Message: "This recovery code is incorrect or was used already."}
	eitherOr      = fault.Flaw{Code: "NOT_TOGETHER", Message: "Send a code or a recovery code, not both."}
	missing       = fault.Flaw{Code: "REQUIRED", Message: "Send a code of your authenticator app, or a recovery code."}
)

// read brings a second factor into the form that the rest of the package expects: a blank text means none. With both, the error is
// BAD_USER_INPUT.
func (p *Second) read() error {
	for _, text := range []**string{&p.Code, &p.RecoveryCode} {
		if *text != nil && strings.TrimSpace(**text) == "" {
			*text = nil
		}
	}
	if p.Code != nil && p.RecoveryCode != nil {
		return eitherOr.At("input.recoveryCode")
	}
	return nil
}

func (p *Second) given() bool { return p.Code != nil || p.RecoveryCode != nil }

// proof is a second factor of an account that was compared, and that is used up in a transaction.
type proof struct {
	wrong error // for the client, if another request was faster
	use   func(ctx context.Context, tx *db.Tx) (ok bool, err error)
}

// errUsed rolls back the transaction in which a proof could not be used.
var errUsed = errors.New("another request has used the second factor")

// check compares a second factor with those of an account. It counts the guess, and records a refusal.
func (s *Service) check(ctx context.Context, userID uuid.UUID, second Second) (proof, error) {
	if err := s.limits.CheckCodeTry(ctx); err != nil {
		return proof{}, err
	}
	if second.RecoveryCode != nil {
		return s.checkRecovery(ctx, userID, *second.RecoveryCode)
	}
	p := proof{wrong: wrongCode.At("input.code")}
	if err := s.limits.CheckFactorGuess(ctx, userID); err != nil {
		return proof{}, fault.LimitAt("input.code", err)
	}
	apps, err := s.db.FindTOTPSecrets(ctx, userID)
	if err != nil {
		return proof{}, err
	}
	var unreadable error
	for _, app := range apps {
		secret, err := s.open(app)
		if err != nil {
			unreadable = err
			continue
		}
		if step, ok := secret.Step(*second.Code, s.now()); ok {
			p.use = func(ctx context.Context, tx *db.Tx) (bool, error) {
				return tx.UseTOTPStep(ctx, userID, app.CredentialID, step)
			}
			return p, nil
		}
	}
	if unreadable != nil {
		return proof{}, unreadable
	}
	return proof{}, s.refuse(ctx, userID, p.wrong)
}

func (s *Service) open(app db.SealedSecret) (totp.Secret, error) {
	if s.vault == nil {
		return nil, totp.ErrUnknownKey
	}
	return s.vault.Open(app.Secret, app.CredentialID[:])
}

// checkRecovery is check for a recovery code. It has so many bits that guesses need no limit of the account, so nobody can keep its owner
// from using one.
func (s *Service) checkRecovery(ctx context.Context, userID uuid.UUID, typed string) (proof, error) {
	p := proof{wrong: wrongRecovery.At("input.recoveryCode")}
	hash, ok := auth.HashRecoveryCode(userID, typed)
	if !ok {
		return proof{}, s.refuse(ctx, userID, p.wrong)
	}
	p.use = func(ctx context.Context, tx *db.Tx) (bool, error) {
		used, ok, err := tx.UseRecoveryCode(ctx, userID, hash)
		if err != nil || !ok {
			return false, err
		}
		return true, s.notify(ctx, tx, userID, used)
	}
	return p, nil
}

// refuse records a refusal, and returns the error for the client.
func (s *Service) refuse(ctx context.Context, userID uuid.UUID, wrong error) error {
	if err := s.db.RecordRefusedSecondFactor(ctx, userID); err != nil {
		return err
	}
	return wrong
}

// settle turns the error of the transaction that has used a proof into that for the client. After a success, it forgets the guesses of the
// client.
func (s *Service) settle(ctx context.Context, userID uuid.UUID, p proof, err error) error {
	switch {
	case errors.Is(err, errUsed):
		return s.refuse(ctx, userID, p.wrong)
	case err != nil:
		return err
	}
	return s.limits.Forget(ctx, s.limits.FactorGuesses(ctx, userID))
}

// notify tells the owner of an account that a recovery code was used.
func (s *Service) notify(ctx context.Context, tx *db.Tx, userID uuid.UUID, used db.UsedRecoveryCode) (err error) {
	if used.Email == "" {
		return nil
	}
	m := outbox.Mail{
		Kind: mail.RecoveryCodeUsed, UserID: userID, Recipient: used.Email,
		Data: map[string]string{"username": used.Username, "left": strconv.Itoa(used.Left)},
	}
	if !used.Verified {
		if m.Withheld, err = s.limits.WithholdsNoticeIn(ctx, tx, m.Kind, used.EmailKey); err != nil {
			return err
		}
	}
	return s.accounts.EnqueueMail(ctx, tx, m)
}

// FinishSecondFactor finishes a sign-in whose second factor was missing. It also reports whether cookies are to hold the session. A wrong
// code does not use the token up.
func (s *Service) FinishSecondFactor(ctx context.Context, token string, second Second) (session *accounts.SignedIn, cookie bool, err error) {
	if err := second.read(); err != nil {
		return nil, false, err
	}
	if !second.given() {
		return nil, false, missing.At("input.code")
	}
	var first accounts.FirstFactor
	flow, err := s.accounts.Flows.Find(ctx, continuations.SecondFactor, tokenPath, token, &first)
	if err != nil {
		return nil, false, err
	}
	switch ok, err := s.db.GuessContinuation(ctx, flow.Hash(), string(continuations.SecondFactor), mostGuesses); {
	case err != nil:
		return nil, false, err
	case !ok:
		return nil, false, continuations.Invalid(tokenPath)
	}
	p, err := s.check(ctx, flow.UserID, second)
	if err != nil {
		return nil, false, fmt.Errorf("finish the second factor: %w", err)
	}
	entered, err := s.accounts.Enter(ctx, accounts.Entrance{
		Proof: auth.Proof{Methods: slices.Concat(first.Proof.Methods, methods), Strong: true}, Cookie: flow.Cookie,
		Prove: func(ctx context.Context, system *db.SystemTx) (accounts.Proved, error) {
			switch ok, err := p.use(ctx, system.AsAnonymous()); {
			case err != nil:
				return accounts.Proved{}, err
			case !ok:
				return accounts.Proved{}, errUsed
			}
			return accounts.Proved{Proved: db.Proved{UserID: flow.UserID, CredentialID: first.CredentialID}, Add: first.Add}, s.accounts.Flows.Use(ctx, system, flow)
		},
	})
	if err := s.settle(ctx, flow.UserID, p, err); err != nil {
		return nil, false, fmt.Errorf("finish the second factor: %w", err)
	}
	return entered.Session, flow.Cookie, nil
}

// Reauthenticate records that the viewer has proved again who they are, and returns their profile: by the password, by a second factor
// after a recent first one, or by both. Nil means that the client sends no password. The error is REAUTH_REQUIRED for a second factor
// alone if the first one was proved too long ago.
func (s *Service) Reauthenticate(ctx context.Context, viewer auth.Viewer, password *string, second Second) (profile *db.Profile, err error) {
	if err := second.read(); err != nil {
		return nil, err
	}
	var seen string
	var p proof
	switch {
	case password != nil:
		if seen, err = s.accounts.RequirePassword(ctx, viewer, *password); err != nil {
			return nil, fmt.Errorf("reauthenticate: %w", err)
		}
	case !second.given():
		return nil, fault.Input("input.password", "REQUIRED", "Send your password, a code of your authenticator app, or a recovery code.")
	}
	if second.given() {
		if p, err = s.check(ctx, viewer.UserID, second); err != nil {
			return nil, fmt.Errorf("reauthenticate: %w", err)
		}
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if password != nil {
			if err := s.accounts.ReauthenticateIn(ctx, tx, seen); err != nil {
				return err
			}
		}
		if second.given() {
			if err := s.proveAgain(ctx, tx, p); err != nil {
				return err
			}
		}
		if err := tx.RecordEvent(ctx, db.Reauthenticated); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if second.given() {
		err = s.settle(ctx, viewer.UserID, p, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reauthenticate: %w", err)
	}
	return profile, nil
}

// proveAgain uses up a second factor, and records it in the viewer's session.
func (s *Service) proveAgain(ctx context.Context, tx *db.Tx, p proof) error {
	switch ok, err := p.use(ctx, tx); {
	case err != nil:
		return err
	case !ok:
		return errUsed
	}
	return tx.ProveSecondFactor(ctx, methods, s.accounts.Reauthentication())
}
