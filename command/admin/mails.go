package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/command/table"
)

// mailJSON is a mail that was not sent, with --json. It has no code, no text, and no whole address.
type mailJSON struct {
	ID            string     `json:"id"`
	Kind          string     `json:"kind"`
	State         string     `json:"state"` // WAITING or PARKED
	Username      *string    `json:"username"`
	To            string     `json:"to"` // such as a…@example.org
	CreatedAt     *time.Time `json:"createdAt"`
	ExpiresAt     *time.Time `json:"expiresAt"`
	Attempts      int        `json:"attempts"`
	NextAttemptAt *time.Time `json:"nextAttemptAt"` // null for a parked mail
	LastError     *string    `json:"lastError"`
	Unsendable    *string    `json:"unsendable"` // why retry refuses a parked mail
}

func newMailJSON(m *operators.Mail) mailJSON {
	x := mailJSON{
		ID: m.ID.String(), Kind: string(m.Kind), State: "WAITING", Username: m.Username, To: masked(m.Recipient), CreatedAt: instant(m.CreatedAt),
		ExpiresAt: inUTC(m.ExpiresAt), Attempts: m.Attempts, NextAttemptAt: instant(m.NextAttemptAt), LastError: m.LastError,
	}
	if m.ParkedAt != nil {
		x.State, x.NextAttemptAt = "PARKED", nil
		if why := operators.Unsendable(*m); why != "" {
			x.Unsendable = &why
		}
	}
	return x
}

// masked hides most of an address, since a mail may be addressed to somebody who has no account.
func masked(address string) string {
	at := strings.LastIndex(address, "@")
	if at < 0 {
		return "…"
	}
	_, size := utf8.DecodeRuneInString(address)
	return address[:min(size, at)] + "…" + address[at:]
}

func newMailsJSON(list []operators.Mail) []mailJSON {
	mails := make([]mailJSON, len(list))
	for i := range list {
		mails[i] = newMailJSON(&list[i])
	}
	return mails
}

// mailTable returns mails in columns.
func mailTable(list []operators.Mail) string {
	rows := [][]string{{"ID", "KIND", "STATE", "USERNAME", "TO", "CREATED", "ATTEMPTS", "NEXT ATTEMPT", "LAST ERROR"}}
	for _, m := range newMailsJSON(list) {
		rows = append(rows, []string{
			m.ID, m.Kind, strings.ToLower(m.State), orDash(m.Username), m.To, moment(m.CreatedAt), strconv.Itoa(m.Attempts), moment(m.NextAttemptAt), orDash(m.LastError),
		})
	}
	return table.Format(rows)
}

func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return *text
}

// aboutMails runs `freehold admin mails`.
func aboutMails(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	if len(args) > 1 {
		switch args[0] {
		case "retry":
			return retryMails(ctx, a, args[1:])
		case "drop":
			return dropMails(ctx, a, args[1:])
		}
	}
	flags := flag.NewFlagSet("mails", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var parked *bool
	flags.Func("state", "", func(value string) error {
		if value != "waiting" && value != "parked" {
			return errors.New("want waiting or parked")
		}
		is := value == "parked"
		parked = &is
		return nil
	})
	first, err := parseFirst(flags, args)
	if err != nil {
		return result{}, err
	}
	list, more, err := a.Mails(ctx, parked, first)
	if err != nil {
		return result{}, err
	}
	text := mailTable(list)
	if more {
		text += "There are more. Use --first.\n"
	}
	return result{text, struct {
		Mails []mailJSON `json:"mails"`
		More  bool       `json:"more"`
	}{newMailsJSON(list), more}}, nil
}

// changedMailsJSON is the outcome of an action on mails with --json.
type changedMailsJSON struct {
	Success bool       `json:"success"`
	Mails   []mailJSON `json:"mails"`   // as they were before
	Skipped []mailJSON `json:"skipped"` // by --all, since they must not be sent
}

func retryMails(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	ids, all := without(args, "--all")
	if all {
		if len(ids) > 0 {
			return result{}, errUsage
		}
		retried, skipped, err := a.RetryAllMails(ctx)
		if err != nil {
			return result{}, err
		}
		var text strings.Builder
		fmt.Fprintf(&text, retriedText, len(retried))
		for i := range skipped {
			fmt.Fprintf(&text, "mail %s %s\n", skipped[i].ID, operators.Unsendable(skipped[i]))
		}
		return result{text.String(), changedMailsJSON{true, newMailsJSON(retried), newMailsJSON(skipped)}}, nil
	}
	return changeMails(ctx, ids, retriedText, a.RetryMails)
}

const retriedText = "%d mails will be sent again\n"

func dropMails(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	return changeMails(ctx, args, "%d mails are deleted\n", a.DropMails)
}

func changeMails(ctx context.Context, args []string, text string, change func(context.Context, []uuid.UUID) ([]operators.Mail, error)) (result, error) {
	ids := make([]uuid.UUID, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = uuid.Parse(arg); err != nil {
			return result{}, fmt.Errorf("%q is not the id of a mail: `freehold admin mails` prints the ids", arg)
		}
	}
	changed, err := change(ctx, ids)
	if err != nil {
		return result{}, err
	}
	return result{fmt.Sprintf(text, len(changed)), changedMailsJSON{true, newMailsJSON(changed), []mailJSON{}}}, nil
}
