package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// SignUp is what a visitor types. Profile has the fields that the client sent.
type SignUp struct {
	Email    string
	Password string
	Username string
	Profile  db.ProfileFields
	// Key is the client's idempotency key, which identifies a retry; "" for none. KeyFlaw is what is wrong with the way in which
	// the client sent it.
	Key     string
	KeyFlaw fault.Flaw
}

// candidate is a sign-up in the form in which it is stored, with the faults that need no look-up.
type candidate struct {
	SignUp
	email       input.Email
	usernameKey string // "" if the username is invalid
	keyHash     []byte // nil without a key
	fingerprint []byte // of the values; nil without a key
	withheld    bool   // whether the mail to its address must not be sent

	codeFor time.Duration // the minimum lifetime of its code
	with    *NewAccount   // how the visitor signs up; nil for a password

	emailFlaw, usernameFlaw fault.Flaw
	profileFaults           fault.Faults
}

// read brings a sign-up into the form in which it is stored.
func (s *Service) read(in SignUp) candidate {
	c := candidate{SignUp: in}
	c.email, c.emailFlaw = input.ReadEmail(in.Email)
	c.Password = passwords.Normalize(in.Password)
	c.Username, c.usernameKey, c.usernameFlaw = s.config.Reserved.ReadNewUsername(in.Username)
	if !c.usernameFlaw.IsZero() {
		c.usernameKey = ""
	}
	if in.Profile.Visibility.Value == nil {
		c.Profile.Visibility = db.Patch[string]{} // null means absent
	}
	s.readProfile(&c.profileFaults, "input.profile.", &c.Profile)
	if in.Key != "" {
		sum := sha256.Sum256([]byte(in.Key))
		c.keyHash, c.fingerprint = sum[:], c.makeFingerprint()
	}
	return c
}

// makeFingerprint returns a MAC of the values, without the password. It distinguishes a retry from another sign-up with the same
// key. The key of the MAC is the idempotency key, of which the database has only a hash. So a reader of the database cannot guess
// values.
func (c *candidate) makeFingerprint() []byte {
	p := c.Profile
	values, err := json.Marshal([]any{
		c.email.Key, strings.ToLower(c.Username), p.DisplayName.Value, p.Bio.Value, p.AvatarURL.Value, p.WebsiteURL.Value, p.Location.Value,
		p.Visibility.Value, p.Birthday.Value, p.PhoneNumber.Value,
	})
	if err != nil {
		panic(err) // texts and a date can always be encoded
	}
	mac := hmac.New(sha256.New, []byte(c.Key))
	mac.Write(values)
	return mac.Sum(nil)
}

// SignUp creates an account, its profile and a session in one transaction. If the input is invalid, the error has all faults:
// CONFLICT if values are taken and nothing else is wrong, else BAD_USER_INPUT. A retry with the same key, password and values
// starts another session of the account that the first request created.
//
// If a verified email address is required, SignUp returns nil, whether or not another account has the address. Nobody can use the
// new account until its address is verified. The mail to the address has a code, or says that it already has an account.
func (s *Service) SignUp(ctx context.Context, in SignUp) (*SignedIn, error) {
	if err := s.limits.CheckSignUp(ctx); err != nil {
		return nil, err
	}
	c := s.read(in)
	if in.Key != "" {
		if session, again, err := s.signUpAgain(ctx, c); again || err != nil {
			return session, err
		}
	}
	session, err := s.signUpFirst(ctx, c)
	if in.Key != "" && (errors.Is(err, db.ErrRepeated) || fault.Is(err, fault.Conflict)) { // another request with the same key was faster
		if session, again, err := s.signUpAgain(ctx, c); again || err != nil {
			return session, err
		}
	}
	if errors.Is(err, db.ErrRepeated) { // its account cannot be used
		return nil, errReused
	}
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	return session, nil
}

var errReused = fault.Input("input.idempotencyKey", "REUSED", "This idempotency key was already used for another sign-up. Use a new key for each sign-up.")

// signUpAgain answers a retry: it starts a session for a client that sends the values and the password of the first sign-up. The
// account may have changed since then. It reports false if the sign-up is not a retry.
func (s *Service) signUpAgain(ctx context.Context, c candidate) (session *SignedIn, again bool, err error) {
	salt, found, err := s.db.FindSignUp(ctx, c.keyHash)
	if err != nil || !found {
		return nil, false, err
	}
	if err := s.limits.CheckGuess(ctx, c.email.Key); err != nil {
		return nil, true, fault.LimitAt("input.password", err)
	}
	hash, _, err := s.hasher.Salted(ctx, c.Password, salt)
	if err != nil {
		return nil, true, fmt.Errorf("sign up again: %w", err)
	}
	earlier, ok, err := s.db.ProveSignUp(ctx, c.keyHash, c.email.Key, hash)
	switch {
	case err != nil:
		return nil, true, fmt.Errorf("sign up again: %w", err)
	case !ok || !hmac.Equal(c.fingerprint, earlier.Fingerprint):
		return nil, true, errReused
	case earlier.Pending, s.config.RequireVerifiedEmail && !earlier.Verified:
		return nil, true, nil
	}
	entered, err := s.enterWithPassword(ctx, c.email.Key, hash, false)
	switch {
	case err != nil:
		return nil, true, fmt.Errorf("sign up again: %w", err)
	case entered.Session == nil: // the account has got a second factor since
		return nil, true, errReused
	}
	return entered.Session, true, s.limits.Forget(ctx, s.limits.Guesses(ctx, c.email.Key))
}

func (s *Service) signUpFirst(ctx context.Context, c candidate) (*SignedIn, error) {
	faults, err := s.validate(ctx, &c)
	if err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if c.Profile.Visibility.Value == nil {
		c.Profile.Visibility.Value = &s.config.DefaultVisibility
	}
	if s.waits(&c) {
		// Beyond the limit, the sign-up succeeds without a mail. It may be that of the address's owner, after a stranger has used up the
		// mails. It must then be stored: it shows that the stranger's sign-up is not the only one.
		counted, err := s.limits.CountMail(ctx, limits.SignUpMails, c.email.Key)
		if err != nil {
			return nil, err
		}
		c.withheld, c.codeFor = counted.Closed > 0, counted.Full
	}
	hash := ""
	if c.with == nil {
		if hash, err = s.hasher.Hash(ctx, c.Password); err != nil {
			return nil, err
		}
	}
	viewer, profile, refreshToken, err := s.createAccount(ctx, c, hash)
	switch {
	case errors.Is(err, db.ErrTaken):
		return nil, s.explainTaken(ctx, c, err)
	case err != nil:
		return nil, err
	case s.waits(&c):
		return nil, nil //nolint:nilnil // documented
	}
	return s.signedIn(viewer, profile, refreshToken)
}

// validate returns all faults of a sign-up, in the order of the schema.
func (s *Service) validate(ctx context.Context, c *candidate) (fault.Faults, error) {
	taken, err := s.findTaken(ctx, c)
	if err != nil {
		return fault.Faults{}, err
	}
	if c.with != nil {
		return c.faults(fault.Flaw{}, taken), nil
	}
	return c.faults(s.passwords.ValidateAndLookUp(ctx, c.Password, s.wordsOf(c)), taken), nil
}

// waits reports whether the account of a sign-up cannot be used until its address is verified.
func (s *Service) waits(c *candidate) bool {
	return s.config.RequireVerifiedEmail && (c.with == nil || !c.with.EmailVerified && !c.with.NoEmail)
}

// ValidateSignUp returns the faults of a sign-up that the server refuses for its shape, such as a malformed date. It counts as a
// sign-up. Beyond the limit, it does not look up whether values are taken or a password was leaked.
func (s *Service) ValidateSignUp(ctx context.Context, in SignUp) []fault.Field {
	c := s.read(in)
	words := s.wordsOf(&c)
	faults := c.faults(s.passwords.ValidateFor(c.Password, words), taken{})
	if err := s.limits.CheckSignUp(ctx); err != nil {
		return faults.Fields()
	}
	if all, err := s.validate(ctx, &c); err == nil { // otherwise, return the faults that need no look-up
		faults = all
	}
	return faults.Fields()
}

func (s *Service) wordsOf(c *candidate) []string {
	return s.passwords.Words(c.email.Text, c.Username, c.Profile.DisplayName.Value)
}

func (c *candidate) faults(password fault.Flaw, taken taken) (faults fault.Faults) {
	if c.with == nil || !c.with.NoEmail {
		faults.Add("input.email", c.emailFlaw)
	}
	if taken.email {
		faults.Taken("input.email", emailTaken)
	}
	faults.Add("input.password", password)
	faults.Add("input.username", c.usernameFlaw)
	if taken.username {
		faults.Taken("input.username", usernameTaken)
	}
	faults.AddAll(c.profileFaults)
	faults.Add("input.idempotencyKey", c.KeyFlaw)
	faults.Add("input.idempotencyKey", input.ValidateKey(c.Key))
	return faults
}

// The messages of values that another account has.
const (
	emailTaken    = "An account with this email address already exists."
	usernameTaken = "This username is taken."
)

// taken says which values of a sign-up another account has, as far as a visitor may know.
type taken struct{ email, username bool }

// findTaken looks up which values of a sign-up are taken. An invalid value has an empty key, which no account has.
func (s *Service) findTaken(ctx context.Context, c *candidate) (taken, error) {
	email, username, err := s.db.FindTaken(ctx, c.email.Key, c.usernameKey)
	return taken{email: email && !s.waits(c), username: username}, err
}

// explainTaken returns the error of a sign-up whose values were taken after validate had found them free.
func (s *Service) explainTaken(ctx context.Context, c candidate, cause error) error {
	taken, err := s.findTaken(ctx, &c)
	if err != nil {
		return err
	}
	faults := c.faults(fault.Flaw{}, taken)
	if err := faults.Err(); err != nil {
		return err
	}
	return fault.Busy(cause) // the values are free again
}

// createAccount is the transaction of a sign-up. It starts as the system, and continues as the owner of the new account.
func (s *Service) createAccount(ctx context.Context, c candidate, hash string) (viewer auth.Viewer, profile *db.Profile, refreshToken string, err error) {
	session, refreshToken := s.Sessions.Prepare()
	account := db.Account{
		UserID: uuid.New(), Email: c.email.Text, EmailKey: c.email.Key, UsernameKey: c.usernameKey, PasswordHash: hash, Session: session,
		KeyHash: c.keyHash, Fingerprint: c.fingerprint, Proof: byPassword,
	}
	if c.with != nil {
		account.Proof, account.Verified, account.Anonymous = c.with.Proof, c.with.EmailVerified, c.with.Anonymous
		if c.with.UserID != uuid.Nil {
			account.UserID = c.with.UserID
		}
	}
	if s.waits(&c) {
		account.PendingFor = s.config.PendingLifetime
	}
	profileID := uuid.New()
	err = s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		if c.with != nil && c.with.Use != nil {
			if err := c.with.Use(ctx, system); err != nil {
				return err
			}
		}
		if err := s.beforeSignUp(ctx, system, Candidate{Email: c.email.Text, Username: c.Username, Profile: c.Profile}); err != nil {
			return err
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
		if c.with != nil && c.with.Add != nil {
			if err := c.with.Add(ctx, tx); err != nil {
				return err
			}
		}
		if profile, err = tx.FindProfileOfUser(ctx, account.UserID); err != nil {
			return err
		}
		if err := run(ctx, "after sign-up", s.config.Hooks.AfterSignUp, tx, profile); err != nil {
			return err
		}
		if err := s.suspendUntilVerified(ctx, tx, c); err != nil || c.with == nil || c.with.Finish == nil {
			return err
		}
		return c.with.Finish(ctx, tx)
	})
	return viewer, profile, refreshToken, err
}

// suspendUntilVerified suspends a new account until its address is verified, if that is required. The mail to the address has a
// code, or says that the address already has an account.
func (s *Service) suspendUntilVerified(ctx context.Context, tx *db.Tx, c candidate) error {
	if !s.waits(&c) {
		return nil
	}
	code := s.Codes.New(db.VerifyEmail, c.email, c.codeFor)
	taken, err := tx.SuspendUntilVerified(ctx, code, c.withheld)
	if err != nil {
		return err
	}
	if taken != "" {
		return s.Codes.Enqueue(ctx, tx, outbox.Mail{Kind: mail.AddressTaken, Recipient: taken, Withheld: c.withheld})
	}
	return s.Codes.Enqueue(ctx, tx, codes.Mail(mail.VerifyEmail, code, db.Recipient{Email: c.email.Text, Known: !c.withheld}))
}
