package limits

import (
	"context"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/address"
)

// SignUpMails is the name under which the mails of a sign-up are counted, whatever their kind.
const SignUpMails mail.Kind = "sign_up"

// mails are the buckets of a mail of a kind to an address. Known says whether the account is used from the client. Each kind has its
// own buckets. Otherwise mails that are not even sent could use up those of another kind.
func (l *Limiter) mails(ctx context.Context, kind mail.Kind, emailKey string, known bool) []db.Bucket {
	by, name := "strangers", string(kind)
	if known {
		by = "known"
	}
	buckets := []db.Bucket{
		l.limits.Mail.bucket("mail", name, digest(address.Mailbox(emailKey)), client(ctx)),
		l.limits.MailTotal.bucket("mailTotal", name, digest(emailKey), by),
		l.limits.MailDay.bucket("mailDay", name, digest(emailKey), by),
		requestsOf(ctx, emailKey),
	}
	if kind != mail.ResetPassword {
		buckets = append(buckets, l.subaddressed(ctx, emailKey)...)
	}
	return buckets
}

// subaddressed are the buckets of mails to the subaddresses of a mailbox; none for an address without a subaddress.
func (l *Limiter) subaddressed(ctx context.Context, emailKey string) []db.Bucket {
	to := address.Mailbox(emailKey)
	if to == emailKey {
		return nil
	}
	return []db.Bucket{
		l.limits.Subaddress.bucket("subaddress", digest(to), client(ctx)), l.limits.SubaddressTotal.bucket("subaddressTotal", digest(to)),
	}
}

// CountMail counts a mail of a kind to an address, whether the address has an account or not. See Exceeded for the result.
func (l *Limiter) CountMail(ctx context.Context, kind mail.Kind, emailKey string) (db.Counted, error) {
	if !l.on {
		return db.Counted{}, nil
	}
	known, err := l.db.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return db.Counted{}, err
	}
	return l.db.CountHits(ctx, l.mails(ctx, kind, emailKey, known)...)
}

// NextCodeBuckets returns the buckets that the next request for a code counts in: those of the client, and, unless emailKey is "", those
// of a mail of a kind to the address.
func (l *Limiter) NextCodeBuckets(ctx context.Context, tx *db.Tx, kind mail.Kind, emailKey string) ([]db.Bucket, error) {
	buckets := byClient(ctx, l.limits.CodeRequest, "codeRequest")
	if emailKey == "" {
		return buckets, nil
	}
	known, err := tx.IsKnownClient(ctx, emailKey, client(ctx))
	if err != nil {
		return nil, err
	}
	return append(buckets, l.mails(ctx, kind, emailKey, known)...), nil
}

// On reports whether limits hold.
func (l *Limiter) On() bool { return l.on }

// WithholdsReset counts a mail for a new password to a subaddress, and reports whether the mail must not be sent: the mailbox has got
// too many, and the address is not verified. Anyone can sign up with any number of such addresses. It returns no RATE_LIMITED, which
// would reveal whether an address is verified.
func (l *Limiter) WithholdsReset(ctx context.Context, emailKey string) (bool, error) {
	buckets := l.subaddressed(ctx, emailKey)
	if !l.on || buckets == nil {
		return false, nil
	}
	counted, err := l.db.CountHits(ctx, buckets...)
	if err != nil {
		return false, err
	}
	proved, err := l.db.IsEmailVerified(ctx, emailKey)
	return counted.Closed > 0 && !proved, err
}

// CheckOperatorMail counts a mail with a code that operators send to an address. It has buckets of its own, so that strangers cannot use
// them up.
func (l *Limiter) CheckOperatorMail(ctx context.Context, kind mail.Kind, emailKey string) error {
	name, by := "operator_"+string(kind), "operators"
	return l.CheckLimit(ctx, l.limits.MailTotal.bucket("mailTotal", name, digest(emailKey), by), l.limits.MailDay.bucket("mailDay", name, digest(emailKey), by))
}

// WithholdsNotice counts a notice about a change of an account to an address that is not verified, and reports whether the notice
// must not be sent. Such an address may belong to anybody, so it gets few notices.
func (l *Limiter) WithholdsNotice(ctx context.Context, kind mail.Kind, emailKey string) (bool, error) {
	return l.withholdsNotice(ctx, l.db, kind, emailKey)
}

// WithholdsNoticeIn is WithholdsNotice in a transaction. If it rolls back, the notice is not counted.
func (l *Limiter) WithholdsNoticeIn(ctx context.Context, tx *db.Tx, kind mail.Kind, emailKey string) (bool, error) {
	return l.withholdsNotice(ctx, tx, kind, emailKey)
}

func (l *Limiter) withholdsNotice(ctx context.Context, by counter, kind mail.Kind, emailKey string) (bool, error) {
	to := digest(address.Mailbox(emailKey))
	err := l.checkLimit(ctx, by, l.limits.Notice.bucket("notice", string(kind), to), l.limits.NoticeDay.bucket("noticeDay", to))
	if fault.Is(err, fault.RateLimited) {
		return true, nil
	}
	return false, err
}
