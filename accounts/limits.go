package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// Limit is how often something may happen in a window, which begins with the first time.
type Limit struct {
	Hits   int
	Window time.Duration
}

// Limits are all limits. docs/accounts.md says what each is for, and shows the arithmetic.
type Limits struct {
	// What one client (auth.Client.Block) may do, to any account.
	SignUp, SignIn, CodeRequest, CodeTry Limit

	// What may be done to one account. Strangers are clients from which nobody has signed in to it.
	Guess     Limit // of the password, by one client
	Strangers Limit // of the password, by all strangers together
	Code      Limit // of a code, by one client
	OwnGuess  Limit // of the password, within the sessions of the account

	// Mails of one kind to one address: by one client, and by all clients together, where strangers and the clients that the
	// account is used from have a count each. MailDay bounds what goes on for long.
	Mail, MailTotal, MailDay Limit
	Notice                   Limit // of one kind to an address that nobody has proved

	Username Limit // changes by one account, or it could hold any number of usernames
	Password Limit // changes by one account, or a person who signs up with another's address could end the owner's codes without end
	Leave    Limit // accounts that leave one address which nobody has proved: these end codes too
}

// DefaultLimits are the limits if the operator sets none.
func DefaultLimits() Limits {
	return Limits{
		SignUp: Limit{100, time.Hour}, SignIn: Limit{100, 15 * time.Minute}, CodeRequest: Limit{100, time.Hour}, CodeTry: Limit{100, 15 * time.Minute},
		Guess: Limit{10, 15 * time.Minute}, Strangers: Limit{100, time.Hour}, Code: Limit{10, 15 * time.Minute}, OwnGuess: Limit{10, 15 * time.Minute},
		Mail: Limit{3, time.Hour}, MailTotal: Limit{12, time.Hour}, MailDay: Limit{30, 12 * time.Hour}, Notice: Limit{3, time.Hour},
		Username: Limit{5, 24 * time.Hour}, Password: Limit{5, 24 * time.Hour}, Leave: Limit{5, 24 * time.Hour},
	}
}

// unlimited closes nothing. A client that an account is used from is counted by it: if it were not counted at all, the time
// would tell its neighbours that there is an account.
var unlimited = Limit{math.MaxInt32, time.Hour}

// mailOfSignUp is what the mails of a sign-up are counted as, of whichever kind they are.
const mailOfSignUp = "sign_up"

// of is the bucket of a limit, named by what is counted and by whom or to whom.
func (l Limit) of(what string, of ...string) db.Bucket {
	return db.Bucket{Name: strings.Join(append([]string{what}, of...), " "), Limit: l.Hits, Window: l.Window}
}

// within counts what is about to be done in all of these buckets; RATE_LIMITED if one is closed, and then none counts it. It
// is called for each field, so that one request with many of them counts as many, and before what it bounds is done.
func (s *Service) within(ctx context.Context, buckets ...db.Bucket) error {
	return s.count(ctx, s.db, buckets...)
}

// count is within by a counter, which may be a transaction: then what is undone is not counted.
func (s *Service) count(ctx context.Context, by counter, buckets ...db.Bucket) error {
	if !s.config.RateLimit {
		return nil
	}
	counted, err := by.CountHits(ctx, buckets...)
	if err != nil {
		return err
	}
	return tooOften(counted)
}

func tooOften(counted db.Counted) error {
	if counted.Closed == 0 {
		return nil
	}
	return &fault.Error{Code: fault.RateLimited, Message: "That was too often. Try again later.", RetryAfter: counted.Closed}
}

type counter interface {
	CountHits(ctx context.Context, buckets ...db.Bucket) (db.Counted, error)
}

// forget empties buckets after what was counted has gone well.
func (s *Service) forget(ctx context.Context, buckets ...db.Bucket) error {
	if !s.config.RateLimit {
		return nil
	}
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.Name
	}
	return s.db.ClearHits(ctx, names...)
}

// byClient is the bucket of what one client may do.
func byClient(ctx context.Context, l Limit, what string) db.Bucket { return l.of(what, client(ctx)) }

func client(ctx context.Context) string { return auth.ClientFrom(ctx).Block }

// digest stands for a normalised address in a bucket, so that no address is kept beyond its account.
func digest(emailKey string) string {
	sum := sha256.Sum256([]byte(emailKey))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// guesses is the bucket of a client's guesses at the password of an account.
func (s *Service) guesses(ctx context.Context, emailKey string) db.Bucket {
	return s.config.Limits.Guess.of("guess", digest(emailKey), client(ctx))
}

// codeGuesses is the bucket of a client's guesses at the codes of an address.
func (s *Service) codeGuesses(ctx context.Context, emailKey string) db.Bucket {
	return s.config.Limits.Code.of("code", digest(emailKey), client(ctx))
}

// ownGuesses is the bucket of the guesses at an account's password within its sessions.
func (s *Service) ownGuesses(userID uuid.UUID) db.Bucket {
	return s.config.Limits.OwnGuess.of("ownGuess", userID.String())
}

// withinGuesses counts a guess at the password of an account, whether there is one or not. A client that the account is used
// from has a count of its own, which strangers cannot use up.
func (s *Service) withinGuesses(ctx context.Context, emailKey string) error {
	if !s.config.RateLimit {
		return nil
	}
	known, err := s.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return err
	}
	total := s.config.Limits.Strangers.of("strangers", digest(emailKey))
	if known {
		total = unlimited.of("known", digest(emailKey), client(ctx))
	}
	return s.within(ctx, s.guesses(ctx, emailKey), total)
}

// mails are the buckets of a mail of a kind to an address, by whether the account is used from the client. Each kind has its
// own, or mails that are not even sent could use up those of another.
func (s *Service) mails(ctx context.Context, kind, emailKey string, known bool) []db.Bucket {
	by, limits := "strangers", s.config.Limits
	if known {
		by = "known"
	}
	return []db.Bucket{
		limits.Mail.of("mail", kind, digest(emailKey), client(ctx)),
		limits.MailTotal.of("mailTotal", kind, digest(emailKey), by),
		limits.MailDay.of("mailDay", kind, digest(emailKey), by),
	}
}

// countMail counts a mail of a kind to an address, whether the address has an account or not.
func (s *Service) countMail(ctx context.Context, kind, emailKey string) (db.Counted, error) {
	if !s.config.RateLimit {
		return db.Counted{}, nil
	}
	known, err := s.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return db.Counted{}, err
	}
	return s.db.CountHits(ctx, s.mails(ctx, kind, emailKey, known)...)
}

// withinLeaves counts that the viewer's account leaves its address, by another one or for good, where nobody has proved that.
func (s *Service) withinLeaves(ctx context.Context, from *db.Private) error {
	if from.EmailVerifiedAt != nil {
		return nil
	}
	left, _ := readEmail(from.Email)
	return s.within(ctx, s.config.Limits.Leave.of("leave", digest(left.key)))
}

// withholdsNotice counts a notice of a change of the viewer's account, and reports whether it is not to be sent. An address
// that nobody has proved may be anybody's, and gets few.
func (s *Service) withholdsNotice(ctx context.Context, kind mail.Kind, to *db.Private) (bool, error) {
	if to.EmailVerifiedAt != nil {
		return false, nil
	}
	recipient, _ := readEmail(to.Email)
	err := s.within(ctx, s.config.Limits.Notice.of("notice", string(kind), digest(recipient.key)))
	if fault.Is(err, fault.RateLimited) {
		return true, nil
	}
	return false, err
}
