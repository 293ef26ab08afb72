package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"time"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// limit is how often something may be done.
type limit struct {
	name   string
	hits   int
	window time.Duration
}

// Limits of what one client (auth.Client.Block) may do, to whatever account.
var (
	signUpLimit      = limit{"signUp", 100, time.Hour}
	signInLimit      = limit{"signIn", 100, 15 * time.Minute}
	codeRequestLimit = limit{"codeRequest", 100, time.Hour}
	codeTryLimit     = limit{"codeTry", 100, 15 * time.Minute}
)

// Limits of what may be done to one account. Strangers are clients from which it was never signed in to: their limit holds
// for all of them together, and closes nothing to its owner.
var (
	guessLimit     = limit{"guess", 10, 15 * time.Minute}       // of a password, by one client
	strangersLimit = limit{"strangers", 100, time.Hour}         // of a password, by all strangers
	knownLimit     = limit{"known", math.MaxInt32, time.Hour}   // by a client that is none of them: it closes nothing, see withinGuesses
	codeLimit      = limit{"code", 10, 15 * time.Minute}        // of a code, by one client: too few for a billionth of a chance
	ownGuessLimit  = limit{"ownGuess", 10, 15 * time.Minute}    // of a password, by whoever holds a session of the account
	usernameLimit  = limit{"changeUsername", 5, 24 * time.Hour} // or one account could hold any number of names
	passwordLimit  = limit{"changePassword", 5, 24 * time.Hour} // or whoever has signed up with another's address could kill his codes for ever;
	leaveLimit     = limit{"leave", 5, 24 * time.Hour}          // and so by leaving an address that is not proved, and signing up with it again
	mailLimit      = limit{"mail", 3, time.Hour}                // of a kind to one address, that strangers can cause; and as many that others can
)

// mailOfSignUp is the name under which all mails of a sign-up are counted, of whichever kind they are.
const mailOfSignUp = "sign_up"

// within counts what is about to be done against those it is counted for; RATE_LIMITED when that was too often. It is
// called for each field, so that one request with many of them counts as many, and before what it bounds is done.
func (s *Service) within(ctx context.Context, l limit, of ...string) error {
	return s.count(ctx, s.db, l, of...)
}

// count is within by a counter, which may be a transaction: then what is undone is not counted.
func (s *Service) count(ctx context.Context, by counter, l limit, of ...string) error {
	if !s.config.RateLimit {
		return nil
	}
	closed, err := by.CountHit(ctx, l.bucket(of...), l.hits, l.window)
	if err != nil {
		return err
	}
	if closed > 0 {
		return &fault.Error{Code: fault.RateLimited, Message: "That was too often. Try again later.", RetryAfter: closed}
	}
	return nil
}

type counter interface {
	CountHit(ctx context.Context, bucket string, limit int, window time.Duration) (closed time.Duration, err error)
}

// bucket names who or what is counted.
func (l limit) bucket(of ...string) string {
	return strings.Join(append([]string{l.name}, of...), " ")
}

// of is the bucket and its limit.
func (l limit) of(names ...string) db.Bucket {
	return db.Bucket{Name: l.bucket(names...), Limit: l.hits}
}

// forget empties a bucket after what was counted has gone well.
func (s *Service) forget(ctx context.Context, l limit, of ...string) error {
	if !s.config.RateLimit {
		return nil
	}
	return s.db.ClearHits(ctx, l.bucket(of...))
}

func client(ctx context.Context) string { return auth.ClientFrom(ctx).Block }

// digest stands for a normalised address in a bucket, so that no address is kept beyond its account.
func digest(emailKey string) string {
	sum := sha256.Sum256([]byte(emailKey))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// withinGuesses counts a guess at the password of an account, whether there is one or not. A client that it was signed in
// to from before has a count of its own alone, which strangers cannot use up; counted it is all the same, or the time would
// tell its neighbours that there is an account.
func (s *Service) withinGuesses(ctx context.Context, emailKey string) error {
	if !s.config.RateLimit {
		return nil
	}
	if err := s.within(ctx, guessLimit, digest(emailKey), client(ctx)); err != nil {
		return err
	}
	known, err := s.db.IsKnownClient(ctx, emailKey, client(ctx))
	switch {
	case err != nil:
		return err
	case known:
		return s.within(ctx, knownLimit, digest(emailKey), client(ctx))
	}
	return s.within(ctx, strangersLimit, digest(emailKey))
}

// withinMails counts a mail of a kind to an address, whether it has an account or not. Each kind has its own count, or mails
// that are not even sent could use up those of another; and so have clients that the account was signed in to from before, so
// that strangers cannot keep its owner from asking for a code.
func (s *Service) withinMails(ctx context.Context, what, emailKey string) error {
	if !s.config.RateLimit {
		return nil
	}
	known, err := s.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return err
	}
	return s.within(ctx, mailLimit, mailTo(what, emailKey, known)...)
}

// mailTo returns the names by which withinMails counts a mail. Known says whether the account was signed in to from this client.
func mailTo(what, emailKey string, known bool) []string {
	of := []string{what, digest(emailKey)}
	if known {
		of = append(of, "known")
	}
	return of
}

// withholds counts a mail that goes out in any case, and reports whether it is not to be sent, since there were too many of
// its kind.
func (s *Service) withholds(ctx context.Context, what, emailKey string) (bool, error) {
	err := s.within(ctx, mailLimit, what, digest(emailKey))
	if fault.Is(err, fault.RateLimited) {
		return true, nil
	}
	return false, err
}

// withinLeaves counts that the viewer's account leaves its address, by another one or for good, where nobody has proved that.
func (s *Service) withinLeaves(ctx context.Context, from *db.Private) error {
	if from.EmailVerifiedAt != nil {
		return nil
	}
	left, _ := readEmail(from.Email)
	return s.within(ctx, leaveLimit, digest(left.key))
}

// withholdsNotice reports whether the viewer's address is not to be told of a change of his account. An address that nobody
// has proved may be anybody's, who is told so often and no more.
func (s *Service) withholdsNotice(ctx context.Context, kind mail.Kind, to *db.Private) (bool, error) {
	if to.EmailVerifiedAt != nil {
		return false, nil
	}
	recipient, _ := readEmail(to.Email)
	return s.withholds(ctx, string(kind), recipient.key)
}
