package accounts

import (
	"context"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// mailOfSignUp is what the mails of a sign-up are counted as, of whichever kind they are.
const mailOfSignUp = "sign_up"

// mails are the buckets of a mail of a kind to an address, by whether the account is used from the client. Each kind has its
// own, or mails that are not even sent could use up those of another.
func (s *Service) mails(ctx context.Context, kind, emailKey string, known bool) []db.Bucket {
	by, limits := "strangers", s.config.Limits
	if known {
		by = "known"
	}
	buckets := []db.Bucket{
		limits.Mail.of("mail", kind, digest(mailbox(emailKey)), client(ctx)),
		limits.MailTotal.of("mailTotal", kind, digest(emailKey), by),
		limits.MailDay.of("mailDay", kind, digest(emailKey), by),
		requestsOf(ctx, emailKey),
	}
	if kind != string(mail.ResetPassword) {
		buckets = append(buckets, s.subaddressed(ctx, emailKey)...)
	}
	return buckets
}

// subaddressed are the buckets of mails to the subaddresses of a mailbox; none for an address that is not one.
func (s *Service) subaddressed(ctx context.Context, emailKey string) []db.Bucket {
	to := mailbox(emailKey)
	if to == emailKey {
		return nil
	}
	return []db.Bucket{
		s.config.Limits.Subaddress.of("subaddress", digest(to), client(ctx)), s.config.Limits.SubaddressTotal.of("subaddressTotal", digest(to)),
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

// withholdsReset counts a mail for a new password to a subaddress, and reports whether it is not to be sent: if the mailbox has
// got too many, and nobody has proved the address. Anyone can sign up with any number of such addresses. It is no error, which
// would tell whose address is proved.
func (s *Service) withholdsReset(ctx context.Context, emailKey string) (bool, error) {
	buckets := s.subaddressed(ctx, emailKey)
	if !s.config.RateLimit || buckets == nil {
		return false, nil
	}
	counted, err := s.db.CountHits(ctx, buckets...)
	if err != nil {
		return false, err
	}
	proved, err := s.db.IsEmailVerified(ctx, emailKey)
	return counted.Closed > 0 && !proved, err
}

// withholdsNotice counts a notice that tells a viewer of a change of their account, and reports whether it is not to be sent. An address
// that nobody has proved may be anybody's, and gets few.
func (s *Service) withholdsNotice(ctx context.Context, kind mail.Kind, private *db.Private) (bool, error) {
	if private.EmailVerifiedAt != nil {
		return false, nil
	}
	recipient, _ := readEmail(private.Email)
	to := digest(mailbox(recipient.key))
	err := s.within(ctx, s.config.Limits.Notice.of("notice", string(kind), to), s.config.Limits.NoticeDay.of("noticeDay", to))
	if fault.Is(err, fault.RateLimited) {
		return true, nil
	}
	return false, err
}
