package accounts

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// SignUp is what a visitor types. Profile holds the fields that were given.
type SignUp struct {
	Email    string
	Password string
	Username string
	Profile  db.ProfileFields
	// Key is the client's own name for this sign-up, so that a retry is known for one; "" for none.
	Key string
}

// candidate is a sign-up that was judged, in the form in which it is stored.
type candidate struct {
	SignUp
	emailKey    string
	usernameKey string
	keyHash     []byte // nil without a key
	withheld    bool   // whether its address gets no mail of it
}

// SignUp makes an account, its profile and a session in one transaction. What is wrong with the input is told all at
// once, as BAD_USER_INPUT; CONFLICT if all that is wrong is that something is taken. A retry with the same key and password
// starts a further session of the account that the first has made.
//
// Where a verified e-mail is required the session is nil, whether or not another account has the address: nobody can use
// this one until it is verified, and the address is sent a code, or told that it has an account.
func (s *Service) SignUp(ctx context.Context, in SignUp) (*Session, error) {
	if err := s.within(ctx, signUpLimit, client(ctx)); err != nil {
		return nil, err
	}
	c := candidate{SignUp: in}
	if in.Key != "" {
		sum := sha256.Sum256([]byte(in.Key))
		c.keyHash = sum[:]
		if session, again, err := s.signUpAgain(ctx, c); again || err != nil {
			return session, err
		}
	}
	session, err := s.signUpFirst(ctx, c)
	if in.Key != "" && (errors.Is(err, db.ErrRepeated) || fault.Is(err, fault.Conflict)) { // by a rival with the same key
		if session, again, err := s.signUpAgain(ctx, c); again || err != nil {
			return session, err
		}
	}
	if errors.Is(err, db.ErrRepeated) { // for an account that cannot be used
		return nil, errReused
	}
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	return session, nil
}

var errReused = fault.Input("input.idempotencyKey", "REUSED", "This key was used for another sign-up. Use a new one for each.")

// signUpAgain answers a retry, if it is one: it starts a session for whoever knows the password of the first.
func (s *Service) signUpAgain(ctx context.Context, c candidate) (session *Session, again bool, err error) {
	earlier, err := s.db.FindSignUp(ctx, c.keyHash)
	if err != nil || earlier == nil {
		return nil, false, err
	}
	key, _ := judgeEmail(c.Email)
	if err := s.withinGuesses(ctx, key); err != nil {
		return nil, true, fault.LimitAt("input.password", err)
	}
	ok, _, err := s.hasher.Verify(ctx, auth.NormalizePassword(c.Password), earlier.PasswordHash)
	switch {
	case err != nil:
		return nil, true, fmt.Errorf("sign up again: %w", err)
	case !ok || key != earlier.EmailKey:
		if err := s.db.RefuseSignIn(ctx, earlier.UserID); err != nil {
			return nil, true, fmt.Errorf("sign up again: %w", err)
		}
		return nil, true, errReused
	case earlier.Pending, s.config.RequireVerifiedEmail && !earlier.Verified:
		return nil, true, nil
	}
	session, err = s.start(ctx, db.Credentials{UserID: earlier.UserID, PasswordHash: earlier.PasswordHash}, "")
	if err != nil {
		return nil, true, fmt.Errorf("sign up again: %w", err)
	}
	return session, true, s.forget(ctx, guessLimit, digest(key), client(ctx))
}

func (s *Service) signUpFirst(ctx context.Context, c candidate) (*Session, error) {
	if err := s.judge(ctx, &c); err != nil {
		return nil, err
	}
	var err error
	if s.config.RequireVerifiedEmail {
		// It goes on without a mail: it may be the owner's of the address, and those before it a stranger's, of whom it then
		// tells that he is not alone.
		if c.withheld, err = s.withholds(ctx, mailOfSignUp, c.emailKey); err != nil {
			return nil, err
		}
	}
	hash, err := s.hasher.Hash(ctx, c.Password)
	if err != nil {
		return nil, err
	}
	viewer, profile, refreshToken, err := s.createAccount(ctx, c, hash)
	switch {
	case errors.Is(err, db.ErrTaken):
		return nil, s.explainTaken(ctx, c, err)
	case err != nil:
		return nil, err
	case s.config.RequireVerifiedEmail:
		return nil, nil //nolint:nilnil // documented
	}
	return s.started(viewer, profile, refreshToken)
}

// judge normalises the input and returns every fault that it has.
func (s *Service) judge(ctx context.Context, c *candidate) error {
	var faults fault.Faults
	var flaw fault.Flaw
	c.emailKey, flaw = judgeEmail(c.Email)
	faults.Add("input.email", flaw)
	c.Password = auth.NormalizePassword(c.Password)
	faults.Add("input.password", s.judgePassword(ctx, c.Password, s.words(c.Email, c.Username, c.Profile.DisplayName.Value)))
	flaw = judgeUsername(c.Username)
	faults.Add("input.username", flaw)
	if flaw.IsZero() {
		c.usernameKey, _ = UsernameKey(c.Username)
	}
	judgeProfile(&faults, "input.profile", &c.Profile)
	if c.Profile.Visibility.Value == nil {
		c.Profile.Visibility.Value = &s.config.DefaultVisibility
	}
	if !isKey(c.Key) {
		faults.Add("input.idempotencyKey", fault.Flaw{
			Code: "INVALID", Message: "A key has 1 to 255 visible characters of ASCII.", Params: fault.Params{"min": 1, "max": maxKey},
		})
	}
	if err := s.judgeTaken(ctx, &faults, *c); err != nil {
		return err
	}
	return faults.Err()
}

const maxKey = 255

// isKey reports whether a text can be an Idempotency-Key; "" stands for none.
func isKey(key string) bool {
	return len(key) <= maxKey && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// What is told of what another account has.
const (
	emailTaken    = "There is an account with this e-mail address."
	usernameTaken = "This username is taken."
)

// judgeTaken notes which of e-mail and username another account has; a faulty one has an empty key and is nobody's.
func (s *Service) judgeTaken(ctx context.Context, faults *fault.Faults, c candidate) error {
	email, username, err := s.db.FindTaken(ctx, c.emailKey, c.usernameKey)
	if err != nil {
		return err
	}
	if email && !s.config.RequireVerifiedEmail {
		faults.Taken("input.email", emailTaken)
	}
	if username {
		faults.Taken("input.username", usernameTaken)
	}
	return nil
}

// explainTaken says what a rival took between our look and our write.
func (s *Service) explainTaken(ctx context.Context, c candidate, cause error) error {
	var faults fault.Faults
	if err := s.judgeTaken(ctx, &faults, c); err != nil {
		return err
	}
	if err := faults.Err(); err != nil {
		return err
	}
	return fault.Busy(cause) // and it is free again
}

// createAccount is the transaction. It starts as the system's and goes on as the new account's owner.
func (s *Service) createAccount(ctx context.Context, c candidate, hash string) (viewer auth.Viewer, profile *db.Profile, refreshToken string, err error) {
	session, refreshToken := s.newSession()
	account := db.Account{
		UserID: uuid.New(), Email: c.Email, EmailKey: c.emailKey, UsernameKey: c.usernameKey, PasswordHash: hash, Session: session, KeyHash: c.keyHash,
	}
	if s.config.RequireVerifiedEmail {
		account.PendingFor = s.config.PendingLifetime
	}
	profileID := uuid.New()
	err = s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		for _, hook := range s.config.Hooks.BeforeSignUp {
			if err := hook(ctx, system.AsNobody(), Candidate{Email: c.Email, Username: c.Username, Profile: c.Profile}); err != nil {
				return fmt.Errorf("before sign-up: %w", err)
			}
		}
		if err := system.CreateAccount(ctx, account); err != nil {
			return err
		}
		tx, err := system.Enter(ctx, session.ID)
		if err != nil {
			return err
		}
		viewer = tx.Viewer
		if err := tx.CreateProfile(ctx, profileID, c.Username, c.usernameKey, c.Profile); err != nil {
			return err
		}
		if profile, err = tx.FindProfileOfUser(ctx, account.UserID); err != nil {
			return err
		}
		if err := run(ctx, "after sign-up", s.config.Hooks.AfterSignUp, tx, profile); err != nil {
			return err
		}
		return s.awaitVerification(ctx, tx, c)
	})
	return viewer, profile, refreshToken, err
}

// awaitVerification closes a new account until its address is verified, where that is required, and writes to the address:
// its owner is sent the code, or told that he has an account already.
func (s *Service) awaitVerification(ctx context.Context, tx *db.Tx, c candidate) error {
	if !s.config.RequireVerifiedEmail {
		return nil
	}
	code := s.newCode(db.VerifyEmail, c.Email, c.emailKey)
	taken, err := tx.AwaitVerification(ctx, code, c.withheld)
	if err != nil {
		return err
	}
	if taken != "" {
		return tx.EnqueueMail(ctx, db.Mail{Kind: string(mail.AddressTaken), Recipient: taken, Withheld: c.withheld})
	}
	return tx.EnqueueMail(ctx, s.codeMail(mail.VerifyEmail, code, db.Recipient{Email: c.Email, Known: !c.withheld}))
}
