// Package limits owns how often clients, and all clients together, may do something to an account or send mail to an address. The
// counts are in the database. It must not know what a use case does, or GraphQL: package accounts checks a limit before it does the
// work that the limit bounds.
package limits

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

// Limits are all limits. docs/accounts.md says what each one is for, and shows the arithmetic.
type Limits struct {
	// For one client (auth.Client.Block), to any account. All clients of one auth.Client.Site may do sites times as much.
	SignUp, SignIn, CodeRequest, CodeTry Limit
	AnonymousSignUp                      Limit // sign-ups of anonymous accounts, which count as sign-ups, too
	PasswordTry                          Limit // of the passwords of accounts that the client has sessions of
	OAuth                                Limit // steps of flows with an identity provider
	Passkey                              Limit // options for passkeys, and their answers

	// For one account. Strangers are clients from which nobody has signed in to it.
	Guess     Limit // of the password, by one client
	Strangers Limit // of the password, by all strangers together
	Code      Limit // of a code, by one client
	CodeTotal Limit // of a code, by all strangers together that have not requested one
	OwnGuess  Limit // of the password, within the sessions of the account

	// Guesses at the six digits of an account's authenticator apps: by one client, and by all strangers together; all other clients
	// together have as many.
	Factor, FactorTotal Limit

	// Mails of one kind to one address: by one client, and by all clients together. Strangers and the clients that the account is
	// used from have one count each. MailDay bounds repetition over a long time.
	Mail, MailTotal, MailDay Limit
	Notice, NoticeDay        Limit // of one kind, and of all kinds, to a mailbox whose address is not verified
	// Mails of all kinds to the addresses of one mailbox that have a subaddress, such as ann+freehold@example.org: by one client,
	// and by all clients.
	Subaddress, SubaddressTotal Limit

	Write    Limit // changes of the profile, and requests for another address, by one account
	Username Limit // changes by one account: without a limit, it could hold any number of usernames
	// Changes of the password by one account. Each deletes all codes. Without a limit, a stranger who signs up with an address could
	// delete its owner's codes again and again.
	Password Limit
	Leave    Limit // accounts that leave one address that is not verified: this deletes codes, too
}

// unlimited never closes a bucket. A client that an account is used from is counted by it. If it were not counted at all, the time
// that a request takes would show its neighbours that there is an account.
var unlimited = Limit{math.MaxInt32, LongestMailWindow}

// LongestMailWindow is the longest window of a limit of mails, and so the longest lifetime of a code. A code must expire before the
// signing key that it is derived from is deleted, which is a day after a rotation.
const LongestMailWindow = 12 * time.Hour

// bucket is the bucket of a limit, named by what is counted, and by whom or to whom.
func (l Limit) bucket(what string, of ...string) db.Bucket {
	return db.Bucket{Name: strings.Join(append([]string{what}, of...), " "), Limit: l.Hits, Window: l.Window}
}

// Limiter counts, and refuses what exceeds the limits.
type Limiter struct {
	db     *db.DB
	limits Limits
	on     bool
}

// New returns a Limiter. With on false it counts and refuses nothing.
func New(d *db.DB, l Limits, on bool) *Limiter { return &Limiter{db: d, limits: l, on: on} }

// CheckLimit counts one hit in each of the buckets. If one of them is full, none counts the hit, and the error is RATE_LIMITED. Call
// it for each field and before the work that it bounds, so that a request with many fields counts as many.
func (l *Limiter) CheckLimit(ctx context.Context, buckets ...db.Bucket) error {
	return l.checkLimit(ctx, l.db, buckets...)
}

// checkLimit is CheckLimit with a counter. If the counter is a transaction that rolls back, the hit is not counted.
func (l *Limiter) checkLimit(ctx context.Context, by counter, buckets ...db.Bucket) error {
	if !l.on {
		return nil
	}
	counted, err := by.CountHits(ctx, buckets...)
	if err != nil {
		return err
	}
	return Exceeded(counted)
}

// Exceeded returns RATE_LIMITED if a count has exceeded a limit.
func Exceeded(counted db.Counted) error {
	if counted.Closed == 0 {
		return nil
	}
	return &fault.Error{Code: fault.RateLimited, Message: "Too many attempts. Try again later.", RetryAfter: counted.Closed}
}

type counter interface {
	CountHits(ctx context.Context, buckets ...db.Bucket) (db.Counted, error)
}

// Forget empties buckets, after the attempt that was counted has succeeded.
func (l *Limiter) Forget(ctx context.Context, buckets ...db.Bucket) error {
	if !l.on {
		return nil
	}
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.Name
	}
	return l.db.ClearHits(ctx, names...)
}

// sites is how many times as much as one client all clients of one site may do.
const sites = 8

// byClient returns the buckets for one client, and for its site.
func byClient(ctx context.Context, l Limit, what string) []db.Bucket {
	buckets := []db.Bucket{l.bucket(what, client(ctx))}
	if site := auth.ClientFrom(ctx).Site; site != "" {
		buckets = append(buckets, Limit{sites * l.Hits, l.Window}.bucket(what, site))
	}
	return buckets
}

func client(ctx context.Context) string { return auth.ClientFrom(ctx).Block }

// digest represents a normalised address, or the id of an account, in a bucket, so that neither is stored longer than the account.
func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// CheckSignUp counts a sign-up by a client.
func (l *Limiter) CheckSignUp(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.SignUp, "signUp")...)
}

// CheckAnonymous counts the sign-up of an anonymous account by a client.
func (l *Limiter) CheckAnonymous(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.AnonymousSignUp, "anonymous")...)
}

// CheckSignIn counts a sign-in by a client.
func (l *Limiter) CheckSignIn(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.SignIn, "signIn")...)
}

// CheckOAuth counts a step of a flow with an identity provider by a client.
func (l *Limiter) CheckOAuth(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.OAuth, "oauth")...)
}

// CheckCodeRequest counts a request for a code by a client.
func (l *Limiter) CheckCodeRequest(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.CodeRequest, "codeRequest")...)
}

// CheckCodeTry counts a guess by a client at any code.
func (l *Limiter) CheckCodeTry(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.CodeTry, "codeTry")...)
}

// CheckPasswordTry counts a guess by a client at any password within a session.
func (l *Limiter) CheckPasswordTry(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.PasswordTry, "passwordTry")...)
}

// CheckPasskey counts a request by a client for the options of a passkey, or the answer to them.
func (l *Limiter) CheckPasskey(ctx context.Context) error {
	return l.CheckLimit(ctx, byClient(ctx, l.limits.Passkey, "passkey")...)
}

// Guesses is the bucket of a client's guesses at the password of an account.
func (l *Limiter) Guesses(ctx context.Context, emailKey string) db.Bucket {
	return l.limits.Guess.bucket("guess", digest(emailKey), client(ctx))
}

// CodeGuesses is the bucket of a client's guesses at the codes of an address.
func (l *Limiter) CodeGuesses(ctx context.Context, emailKey string) db.Bucket {
	return l.limits.Code.bucket("code", digest(emailKey), client(ctx))
}

// OwnGuesses is the bucket of the guesses at an account's password within its sessions.
func (l *Limiter) OwnGuesses(userID uuid.UUID) db.Bucket {
	return l.limits.OwnGuess.bucket("ownGuess", digest(userID.String()))
}

// CheckCodeGuess counts a guess at the codes of an address. All strangers together have a count, too. A client that has requested a
// code, or that the account is used from, has only a count of its own, so that strangers cannot use up the guesses of the owner.
func (l *Limiter) CheckCodeGuess(ctx context.Context, emailKey string) error {
	if !l.on {
		return nil
	}
	known, err := l.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return err
	}
	requested, err := l.db.HasHits(ctx, requestsOf(ctx, emailKey).Name)
	if err != nil {
		return err
	}
	total := l.limits.CodeTotal.bucket("codeTotal", digest(emailKey))
	if known || requested {
		total = unlimited.bucket("codeKnown", digest(emailKey), client(ctx))
	}
	return l.CheckLimit(ctx, l.CodeGuesses(ctx, emailKey), total)
}

// requestsOf is the bucket of the codes for an address that a client has requested. It never closes.
func requestsOf(ctx context.Context, emailKey string) db.Bucket {
	return unlimited.bucket("requested", digest(emailKey), client(ctx))
}

// CheckGuess counts a guess at the password of an account, whether the account exists or not. A client that the account is used from
// has a count of its own, which strangers cannot use up.
func (l *Limiter) CheckGuess(ctx context.Context, emailKey string) error {
	if !l.on {
		return nil
	}
	known, err := l.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return err
	}
	total := l.limits.Strangers.bucket("strangers", digest(emailKey))
	if known {
		total = unlimited.bucket("known", digest(emailKey), client(ctx))
	}
	return l.CheckLimit(ctx, l.Guesses(ctx, emailKey), total)
}

// CheckWrite counts a change that an account may make any number of times.
func (l *Limiter) CheckWrite(ctx context.Context, userID uuid.UUID) error {
	return l.CheckLimit(ctx, l.limits.Write.bucket("write", digest(userID.String())))
}

// CheckPasswordChange counts a change of an account's password.
func (l *Limiter) CheckPasswordChange(ctx context.Context, userID uuid.UUID) error {
	return l.CheckLimit(ctx, l.limits.Password.bucket("changePassword", digest(userID.String())))
}

// CheckUsernameChange counts a change of an account's username, unless the transaction rolls back.
func (l *Limiter) CheckUsernameChange(ctx context.Context, tx *db.Tx) error {
	return l.checkLimit(ctx, tx, l.limits.Username.bucket("changeUsername", digest(tx.Viewer.UserID.String())))
}

// CheckLeave counts that an account leaves an address that is not verified, because the account gets another address or is deleted.
func (l *Limiter) CheckLeave(ctx context.Context, emailKey string) error {
	return l.CheckLimit(ctx, l.limits.Leave.bucket("leave", digest(emailKey)))
}
