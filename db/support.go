package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// Dossier is what the command line shows of an account.
type Dossier struct {
	ListedAccount
	DossierDetails

	Credentials []Credential    // the oldest first
	Sessions    []LiveSession   // the newest first, at most MaxPage
	Events      []SecurityEvent // the newest first, at most 20
	Mails       []UnsentMail    // the oldest first, at most MaxPage
}

// DossierDetails are what lists of accounts do not have.
type DossierDetails struct {
	PendingEmail *string    `db:"pending_email"` // of an unconfirmed change; nil if there is none
	PendingUntil *time.Time `db:"pending_until"` // when a pending sign-up ends; nil for other accounts
	Anonymous    bool       `db:"anonymous"`
}

// FindDossier returns what the command line shows of an account; nil if there is none. Only the owner role can run it.
func (t *SystemTx) FindDossier(ctx context.Context, userID uuid.UUID) (*Dossier, error) {
	account, err := t.Administer().FindAccount(ctx, userID)
	if err != nil || account == nil {
		return nil, err
	}
	d := &Dossier{ListedAccount: *account}
	err = errors.Join(
		t.tx.GetContext(ctx, &d.DossierDetails, `
			SELECT (SELECT k.email FROM app.codes k WHERE k.user_id = u.user_id AND k.purpose = 'CHANGE_EMAIL' AND k.expires_at > clock_timestamp()
			         ORDER BY k.expires_at DESC LIMIT 1) AS pending_email, u.pending_until, c.anonymous
			  FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id WHERE u.user_id = $1`, userID),
		t.tx.SelectContext(ctx, &d.Credentials, `SELECT `+credentialColumns+` FROM app.credentials WHERE user_id = $1 ORDER BY created_at, id`, userID),
		t.tx.SelectContext(ctx, &d.Sessions, `SELECT `+sessionColumns+` FROM app.sessions WHERE `+liveSession+` AND user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`, userID, MaxPage),
		t.tx.SelectContext(ctx, &d.Events, `
			SELECT id, kind, created_at, device, host(ip) AS ip, operator FROM app.security_events WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 20`, userID),
		t.tx.SelectContext(ctx, &d.Mails, unsentMails+` AND (o.user_id = $1 OR k.user_id = $1) ORDER BY o.created_at, o.id LIMIT $2`, userID, MaxPage),
	)
	if err != nil {
		return nil, fmt.Errorf("find what is known about an account: %w", err)
	}
	return d, nil
}

// RecordOperatorEvent records a security event that the command line has caused. Only the owner role can run it.
func (t *SystemTx) RecordOperatorEvent(ctx context.Context, userID uuid.UUID, kind string) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.record_operator_event($1, $2, NULL)`, userID, kind); err != nil {
		return fmt.Errorf("record event %s: %w", kind, err)
	}
	return nil
}

// PutVerificationCode creates a code that proves the address of an account, and returns the address; "" if the account is disabled or no
// longer has the address, has verified it, or waits for one that another account has. Only the owner role can run it.
func (t *SystemTx) PutVerificationCode(ctx context.Context, userID uuid.UUID, c Code) (to string, err error) {
	err = t.tx.GetContext(ctx, &to, `SELECT COALESCE(app.put_verification_code($1, $2, $3, $4), '')`, userID, c.EmailKey, c.ID, c.ValidFor.Seconds())
	if err != nil {
		return "", fmt.Errorf("create a code that proves an address: %w", err)
	}
	return to, nil
}

// ErrRefused means that an account is in a state in which its address cannot change.
var ErrRefused = errors.New("the account is not active, or has no address")

// PutChangeCode creates a code that proves a new address of an account. The error is ErrTaken if another account has the address, and
// ErrRefused if the account is not active or has no address. Only the owner role can run it.
func (t *SystemTx) PutChangeCode(ctx context.Context, userID uuid.UUID, c Code) error {
	var outcome string
	err := t.tx.GetContext(ctx, &outcome, `SELECT app.put_change_code($1, $2, $3, $4, $5)`, userID, c.ID, c.Email, c.EmailKey, c.ValidFor.Seconds())
	switch {
	case err != nil:
		return fmt.Errorf("create a code that proves a new address: %w", err)
	case outcome == "TAKEN":
		return ErrTaken
	case outcome != "OK":
		return ErrRefused
	}
	return nil
}

// StartRemoval lets the app role delete an account within a minute, with the ticket whose hash is id; NOT_FOUND for an unknown account.
// Only the owner role can run it.
func (t *SystemTx) StartRemoval(ctx context.Context, id []byte, userID uuid.UUID) error {
	var found bool
	if err := t.tx.GetContext(ctx, &found, `SELECT app.start_removal($1, $2)`, id, userID); err != nil {
		return fmt.Errorf("start to delete an account: %w", err)
	}
	if !found {
		return fault.Gone()
	}
	return nil
}

// EnterRemoval turns the transaction into one of the owner of the account that StartRemoval has named, and locks the account; NOT_FOUND if
// the ticket is unknown or has expired.
func (t *SystemTx) EnterRemoval(ctx context.Context, id []byte) (*Tx, error) {
	var userID uuid.NullUUID
	if err := t.tx.GetContext(ctx, &userID, `SELECT app.enter_removal($1)`, id); err != nil {
		return nil, fmt.Errorf("enter the deletion of an account: %w", err)
	}
	if !userID.Valid {
		return nil, fault.Gone()
	}
	return &Tx{tx: t.tx, Viewer: auth.Viewer{UserID: userID.UUID}}, nil
}

// FinishRemoval deletes the viewer's account, which EnterRemoval has locked in this transaction, and holds its username for a while. It
// returns the recipient of a notice; NOT_FOUND if the ticket is unknown or has expired, and ErrLastOperator for the last operator.
func (t *Tx) FinishRemoval(ctx context.Context, id []byte, hold time.Duration) (n Notice, err error) {
	if err := t.GetOne(ctx, &n, `SELECT email, username FROM app.finish_removal($1, $2)`, id, hold.Seconds()); err != nil {
		return Notice{}, fmt.Errorf("delete an account: %w", err)
	}
	return n, nil
}
