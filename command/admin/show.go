package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/command/table"
)

// dossierJSON is what is known about an account, with --json.
type dossierJSON struct {
	accountJSON

	Anonymous      bool             `json:"anonymous"`
	PendingEmail   *string          `json:"pendingEmail"` // of an unconfirmed change
	PendingUntil   *time.Time       `json:"pendingUntil"` // when a pending sign-up ends
	Credentials    []credentialJSON `json:"credentials"`
	Sessions       []sessionJSON    `json:"sessions"`
	SecurityEvents []eventJSON      `json:"securityEvents"`
	Mails          []mailJSON       `json:"mails"`
}

type credentialJSON struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Name       string     `json:"name"`
	CreatedAt  *time.Time `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
}

type sessionJSON struct {
	ID         string     `json:"id"`
	Device     *string    `json:"device"`
	IP         *string    `json:"ip"`
	CreatedAt  *time.Time `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	ExpiresAt  *time.Time `json:"expiresAt"`
}

type eventJSON struct {
	Kind      string     `json:"kind"`
	CreatedAt *time.Time `json:"createdAt"`
	By        *string    `json:"by"`
	Device    *string    `json:"device"`
	IP        *string    `json:"ip"`
}

// showAccount prints what is known about an account.
func showAccount(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	found, err := a.Show(ctx, account.ID)
	if err != nil {
		return result{}, err
	}
	d := newDossierJSON(found)
	return result{d.text(found.Mails), d}, nil
}

func newDossierJSON(found *operators.Dossier) dossierJSON {
	account := newAccountJSON(&found.ListedAccount)
	d := dossierJSON{
		accountJSON: account, Anonymous: found.Anonymous, PendingEmail: found.PendingEmail, PendingUntil: inUTC(found.PendingUntil),
		Credentials: []credentialJSON{}, Sessions: []sessionJSON{}, SecurityEvents: []eventJSON{}, Mails: newMailsJSON(found.Mails),
	}
	for _, c := range found.Credentials {
		d.Credentials = append(d.Credentials, credentialJSON{c.ID.String(), string(c.Kind), c.Name, instant(c.CreatedAt), inUTC(c.LastUsedAt)})
	}
	for _, s := range found.Sessions {
		d.Sessions = append(d.Sessions, sessionJSON{s.ID.String(), s.Device, s.IP, instant(s.CreatedAt), instant(s.LastUsedAt), instant(s.ExpiresAt)})
	}
	for _, e := range found.Events {
		d.SecurityEvents = append(d.SecurityEvents, eventJSON{e.Kind, instant(e.CreatedAt), e.Operator, e.Device, e.IP})
	}
	return d
}

// text returns the dossier for people.
func (d *dossierJSON) text(mails []operators.Mail) string {
	email := orDash(d.Email)
	switch {
	case d.EmailVerified:
		email += " (verified)"
	case d.Email != nil:
		email += " (not verified)"
	}
	state := strings.ToLower(string(d.State))
	switch {
	case d.DisabledAt != nil:
		state += " since " + moment(d.DisabledAt)
	case d.PendingUntil != nil:
		state += " until " + moment(d.PendingUntil)
	case d.Anonymous:
		state += ", anonymous"
	}
	scopes := strings.Join(d.Scopes, " ")
	rows := [][]string{
		{"id", d.ID}, {"username", d.Username}, {"email", email}, {"new email", orDash(d.PendingEmail)}, {"state", state},
		{"created", moment(d.CreatedAt)}, {"last used", moment(d.LastUsedAt)}, {"scopes", orDash(&scopes)},
	}
	credentials := [][]string{{"KIND", "NAME", "CREATED", "LAST USED"}}
	for _, c := range d.Credentials {
		credentials = append(credentials, []string{c.Kind, c.Name, moment(c.CreatedAt), moment(c.LastUsedAt)})
	}
	sessions := [][]string{{"STARTED", "LAST USED", "EXPIRES", "IP", "DEVICE"}}
	for _, s := range d.Sessions {
		sessions = append(sessions, []string{moment(s.CreatedAt), moment(s.LastUsedAt), moment(s.ExpiresAt), orDash(s.IP), orDash(s.Device)})
	}
	events := [][]string{{"AT", "KIND", "BY", "IP", "DEVICE"}}
	for _, e := range d.SecurityEvents {
		events = append(events, []string{moment(e.CreatedAt), e.Kind, orDash(e.By), orDash(e.IP), orDash(e.Device)})
	}
	return fmt.Sprintf("%s\nCredentials\n%s\nSessions\n%s\nSecurity events, newest first\n%s\nMails that were not sent\n%s",
		table.Format(rows), table.Format(credentials), table.Format(sessions), table.Format(events), mailTable(mails))
}
