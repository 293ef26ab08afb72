package operators

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
)

// The following are for the command line only.

// Mails returns up to n mails that were not sent, the oldest first, and whether there are more: those that wait, those that are parked, or
// both if parked is nil. It returns no withheld mails.
func (s *Service) Mails(ctx context.Context, parked *bool, n int) (list []db.UnsentMail, more bool, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		list, err = tx.FindUnsentMails(ctx, parked, n+1)
		return err
	})
	if more = len(list) > n; more {
		list = list[:n]
	}
	return list, more, err
}

// Unsendable returns why a mail must not be sent again, as the end of a sentence; "" for one that may be. Such a mail has no recipient any
// more: nobody could use its code, or it is about an account that has left the address.
func Unsendable(m db.UnsentMail) string {
	about := mail.IsOwn(m.Kind) && m.UserID != nil
	switch {
	case m.ParkedAt == nil:
		return "waits: a worker sends it without your help"
	case m.Expired:
		return "has expired"
	case m.HasCode && m.CodeGone && mail.IsOwn(m.Kind):
		return "is addressed to nobody: its code was used, replaced or deleted"
	case about && m.Kind != mail.EmailChangedOld && m.Kind != mail.ChangeEmail && !isAddress(m.Address, m.Recipient):
		return "is addressed to nobody: its account has another address now"
	}
	return ""
}

func isAddress(address *string, recipient string) bool {
	return address != nil && strings.EqualFold(*address, recipient)
}

// RetryMails lets a worker send parked mails again: all of those with these ids, or none if there is an error. A running service sends
// them within a second. The error says of each mail why it cannot be sent.
func (s *Service) RetryMails(ctx context.Context, ids []uuid.UUID) ([]db.UnsentMail, error) {
	return s.changeMails(ctx, ids, "MAIL_RETRIED", Unsendable, (*db.SystemTx).RetryMails)
}

// DropMails deletes mails that were not sent: all of those with these ids, or none if there is an error. A mail that a worker is sending
// may still arrive.
func (s *Service) DropMails(ctx context.Context, ids []uuid.UUID) ([]db.UnsentMail, error) {
	return s.changeMails(ctx, ids, "MAIL_DROPPED", func(db.UnsentMail) string { return "" }, (*db.SystemTx).DropMails)
}

// RetryAllMails is RetryMails for all parked mails. It skips those that cannot be sent, and returns them too.
func (s *Service) RetryAllMails(ctx context.Context) (retried, skipped []db.UnsentMail, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		found, err := tx.LockUnsentMails(ctx, nil)
		if err != nil {
			return err
		}
		retried, skipped = nil, nil // from an attempt that was rolled back
		for _, m := range found {
			if Unsendable(m) == "" {
				retried = append(retried, m)
			} else {
				skipped = append(skipped, m)
			}
		}
		return applyTo(ctx, tx, retried, "MAIL_RETRIED", (*db.SystemTx).RetryMails)
	})
	return retried, skipped, err
}

type changeOfMails = func(tx *db.SystemTx, ctx context.Context, ids []uuid.UUID) error

func (s *Service) changeMails(ctx context.Context, ids []uuid.UUID, event string, refuse func(db.UnsentMail) string, change changeOfMails) (found []db.UnsentMail, err error) {
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		if found, err = tx.LockUnsentMails(ctx, ids); err != nil {
			return err
		}
		var faults []error
		for _, id := range ids {
			at := slices.IndexFunc(found, func(m db.UnsentMail) bool { return m.ID == id })
			if at < 0 {
				faults = append(faults, fmt.Errorf("mail %s: unknown, or sent already, or addressed to nobody", id))
			} else if why := refuse(found[at]); why != "" {
				faults = append(faults, fmt.Errorf("mail %s %s", id, why))
			}
		}
		if err := errors.Join(faults...); err != nil {
			return err
		}
		return applyTo(ctx, tx, found, event, change)
	})
	return found, err
}

// applyTo changes mails, and records an event of the account of each.
func applyTo(ctx context.Context, tx *db.SystemTx, mails []db.UnsentMail, event string, change changeOfMails) error {
	ids := make([]uuid.UUID, len(mails))
	for i, m := range mails {
		ids[i] = m.ID
		if m.UserID == nil {
			continue
		}
		if err := tx.RecordOperatorEvent(ctx, *m.UserID, event); err != nil {
			return err
		}
	}
	return change(tx, ctx, ids)
}
