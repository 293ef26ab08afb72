package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// Limits are all limits. docs/accounts.md says what each is for, and shows the arithmetic.
type Limits struct {
	// What one client (auth.Client.Block) may do, to any account. All clients of one auth.Client.Site may do sites times as much.
	SignUp, SignIn, CodeRequest, CodeTry Limit
	PasswordTry                          Limit // of the passwords of accounts that the client has sessions of

	// What may be done to one account. Strangers are clients from which nobody has signed in to it.
	Guess     Limit // of the password, by one client
	Strangers Limit // of the password, by all strangers together
	Code      Limit // of a code, by one client
	CodeTotal Limit // of a code, by all strangers together that have not requested one
	OwnGuess  Limit // of the password, within the sessions of the account

	// Mails of one kind to one address: by one client, and by all clients together, where strangers and the clients that the
	// account is used from have a count each. MailDay bounds what goes on for long.
	Mail, MailTotal, MailDay Limit
	Notice, NoticeDay        Limit // of one kind, and of all kinds, to a mailbox whose address nobody has proved
	// Mails of all kinds to the addresses of one mailbox that have a subaddress, such as ann+freehold@example.org: by one client,
	// and by all.
	Subaddress, SubaddressTotal Limit

	Write    Limit // changes of the profile, and requests for another address, by one account
	Username Limit // changes by one account, or it could hold any number of usernames
	Password Limit // changes by one account, or a person who signs up with another's address could end the owner's codes without end
	Leave    Limit // accounts that leave one address which nobody has proved: these end codes too
}

// unlimited closes nothing. A client that an account is used from is counted by it: if it were not counted at all, the time
// would tell its neighbours that there is an account.
var unlimited = Limit{math.MaxInt32, LongestMailWindow}

// LongestMailWindow is the longest window of a limit of mails, and so the longest that a code may be valid: what is made of a
// signing key must end before the key does, and a replaced key is kept for a day.
const LongestMailWindow = 12 * time.Hour

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
	return &fault.Error{Code: fault.RateLimited, Message: "Too many attempts. Try again later.", RetryAfter: counted.Closed}
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

// sites is how many times as much as one client all clients of one site may do.
const sites = 8

// byClient are the buckets of what one client may do, and its site.
func byClient(ctx context.Context, l Limit, what string) []db.Bucket {
	buckets := []db.Bucket{l.of(what, client(ctx))}
	if site := auth.ClientFrom(ctx).Site; site != "" {
		buckets = append(buckets, Limit{sites * l.Hits, l.Window}.of(what, site))
	}
	return buckets
}

func client(ctx context.Context) string { return auth.ClientFrom(ctx).Block }

// digest stands for a normalised address, or the id of an account, in a bucket, so that neither is kept beyond the account.
func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
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

// withinCodeGuesses counts a guess at the codes of an address. Strangers have a count together, too. A client that has requested
// a code, or that the account is used from, has only one of its own, or strangers could use up the guesses of the owner.
func (s *Service) withinCodeGuesses(ctx context.Context, emailKey string) error {
	if !s.config.RateLimit {
		return nil
	}
	known, err := s.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return err
	}
	requested, err := s.db.HasHits(ctx, requestsOf(ctx, emailKey).Name)
	if err != nil {
		return err
	}
	total := s.config.Limits.CodeTotal.of("codeTotal", digest(emailKey))
	if known || requested {
		total = unlimited.of("codeKnown", digest(emailKey), client(ctx))
	}
	return s.within(ctx, s.codeGuesses(ctx, emailKey), total)
}

// requestsOf is the bucket of the codes for an address that a client has requested. It closes nothing.
func requestsOf(ctx context.Context, emailKey string) db.Bucket {
	return unlimited.of("requested", digest(emailKey), client(ctx))
}

// ownGuesses is the bucket of the guesses at an account's password within its sessions.
func (s *Service) ownGuesses(userID uuid.UUID) db.Bucket {
	return s.config.Limits.OwnGuess.of("ownGuess", digest(userID.String()))
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

// withinWrites counts a change that an account may make any number of times.
func (s *Service) withinWrites(ctx context.Context, viewer auth.Viewer) error {
	return s.within(ctx, s.config.Limits.Write.of("write", digest(viewer.UserID.String())))
}

// withinLeaves counts that the viewer's account leaves its address, by another one or for good, where nobody has proved that.
func (s *Service) withinLeaves(ctx context.Context, from *db.Private) error {
	if from.EmailVerifiedAt != nil {
		return nil
	}
	left, _ := readEmail(from.Email)
	return s.within(ctx, s.config.Limits.Leave.of("leave", digest(left.key)))
}
